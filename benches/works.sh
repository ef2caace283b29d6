# What is measured, and how it is run: for the scripts that count instructions, which source this
# from the top of the repository with $scratch set, an empty directory that they remove.
#
# shellcheck shell=bash

# works: all there are, each with the target that it asks for.
works=(page pipelined not-modified br large huge fresh)
declare -A target_of=(
    [page]=/page.html [pipelined]=/page.html [not-modified]=/page.html [br]=/ten.html
    [large]=/large.bin [huge]=/huge.bin [fresh]=/page.html)
# Responses that are counted for each, and how many come before. In the machine the figures repeat
# within some tenths of a percent with so few, once a connection has had more than a dozen exchanges:
# until then TCP acknowledges each at once.
declare -A requests_of=(
    [page]=1280 [pipelined]=4096 [not-modified]=1280 [br]=1280
    [large]=640 [huge]=256 [fresh]=1280)
declare -A warm_of=(
    [page]=1024 [pipelined]=8192 [not-modified]=1024 [br]=1024
    [large]=1024 [huge]=256 [fresh]=640)
# Bytes of the head of a request.
head_size=600

# prepare: builds what runs, and makes the site, the requests and the responses.
prepare() {
    cargo build --release --locked --quiet --package httpd --package mkroot --package benches
    release=$(cargo metadata --format-version 1 --no-deps --locked |
        sed 's/.*"target_directory":"\([^"]*\)".*/\1/')/release
    mkdir "$scratch"/{site,vhosts,requests,responses}
    python3 - "$scratch/site" <<'PYTHON'
import random, sys

# Always the same: words, and what does not compress.
chance = random.Random(1)
letters = "abcdefghijklmnopqrstuvwxyz"
words = ["".join(chance.choice(letters) for _ in range(chance.randint(2, 9))) for _ in range(800)]
for name, size in ("page.html", 1024), ("ten.html", 10 * 1024):
    text = "<!doctype html>\n"
    while len(text) < size:
        text += chance.choice(words) + " "
    with open(f"{sys.argv[1]}/{name}", "w") as file:
        file.write(text[:size])
for name, size in ("large.bin", 100 * 1024), ("huge.bin", 1024 * 1024):
    with open(f"{sys.argv[1]}/{name}", "wb") as file:
        file.write(chance.randbytes(size))
PYTHON
    # The head says when a file was modified.
    touch -d '2026-01-01 00:00:00 UTC' "$scratch"/site/*
    "$release/mkroot" "$scratch/site" "$scratch/site.webroot" >"$scratch/mkroot.log" 2>&1 ||
        { cat "$scratch/mkroot.log" >&2; return 1; }
    ln -s ../site.webroot "$scratch/vhosts/__default__"
    local work tag
    for work in "${works[@]}"; do
        local -a fields=()
        local codings=identity connection=keep-alive
        case $work in
        br) codings='gzip, deflate, br' ;;
        fresh) connection=close ;;
        not-modified)
            tag=$(answer_of page | sed -n 's/^ETag: \(.*\)\r$/\1/p')
            fields=("If-None-Match: $tag")
            ;;
        esac
        ask "$work" "Connection: $connection" "Accept-Encoding: $codings" "${fields[@]}"
        answer_of "$work" >"$scratch/responses/$work"
        split_response "$scratch/responses/$work"
    done
}

# ask WORK FIELD...: writes the request of a browser with these fields, filled up to its size.
ask() {
    local work=$1 field request
    shift
    printf '%s\n' "$@" >"$scratch/requests/$work.fields"
    request="GET ${target_of[$work]} HTTP/1.1"$'\r\nHost: www.example.com\r\n'
    for field in "$@" \
        'sec-ch-ua: "Chromium";v="130", "Not?A_Brand";v="99"' 'sec-ch-ua-mobile: ?0' \
        'sec-ch-ua-platform: "Linux"' 'Upgrade-Insecure-Requests: 1' \
        'User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36' \
        'Accept: text/html,application/xhtml+xml,image/avif,image/webp,*/*;q=0.8' \
        'Accept-Language: en-US,en;q=0.9'; do
        request+=$field$'\r\n'
    done
    local rest=$((head_size - ${#request} - 2 - 10))
    [ $rest -gt 0 ] || { echo "the request of $work has no room for its fields" >&2; return 1; }
    request+="Cookie: $(printf "%0${rest}d" 0)"$'\r\n\r\n'
    printf '%s' "$request" >"$scratch/requests/$work"
}

# answer_of WORK: the bytes of the response, as httpd would send it now.
answer_of() {
    local -a fields=()
    local field
    while read -r field; do fields+=(-H "$field"); done <"$scratch/requests/$1.fields"
    "$release/webroot" explain "$scratch/site.webroot" "GET ${target_of[$1]}" \
        --host www.example.com "${fields[@]}" --body
}

# split_response FILE: its head to FILE.head, its body to FILE.body.
split_response() {
    local size
    size=$(LC_ALL=C grep -a -b -m1 -o -P '^\r$' "$1" | cut -d: -f1)
    head -c $((size + 2)) "$1" >"$1.head"
    tail -c +$((size + 3)) "$1" >"$1.body"
}

# ours WORK BACKEND [FLAGS]: a line of the plan.
ours() { plan "$1" "$2${3:+ $3}" "./httpd vhosts $2 --workers 1 --listen ADDRESS --poll-interval 3600 ${3-}"; }

# bare WORK KIND: a line of the plan, for a loop that answers the same without thinking.
bare() {
    local response=responses/$1 close=
    local answer="--response $response"
    case $2 in sendfile | write) answer="--response $response.head --body $response.body" ;; esac
    [ "$1" != fresh ] || close=' --close'
    plan "$1" "bare $2" "./limit $2 ADDRESS $answer --request-size $head_size$close"
}

plan() {
    local requests=${requests_of[$1]} flags
    [ "$by" != perf ] || requests=$((requests * 16))
    flags="--request requests/$1 --connections 64 --requests $requests --warm ${warm_of[$1]}"
    case $1 in
    pipelined) flags+=' --pipeline 16' ;;
    fresh) flags+=' --fresh' ;;
    esac
    printf '%s\t%s\t%s\t%s\n' "$1" "$2" "$flags" "$3" >>"$scratch/plan"
}

# choose_way: sets $by to perf where there are counters of instructions, else to machine.
choose_way() {
    local told
    by=machine
    [ "$(nproc)" -gt 1 ] || return 0
    told=$(perf stat -x , -e instructions:u,instructions:k true 2>&1) || return 0
    [[ $told == *'<not '* ]] || by=perf
}

# count SECONDS: carries the plan out, and prints for each line, separated by tabs: work, server,
# bytes of all responses, requests, user instructions, kernel instructions, times that the server's
# processor went to sleep (with perf: the server was switched away from). By callgrind the last two
# are 0.
count() {
    if [ "$by" != machine ]; then
        ln -s "$release"/{httpd,limit,load} "$scratch"
        (cd "$scratch" && timeout "$1" sh "$OLDPWD/benches/machine/measure" "$by")
        return
    fi
    cat >"$scratch/script" <<'SCRIPT'
cd /m && exec sh ./measure machine
SCRIPT
    benches/machine/boot --counts "$scratch/counts" --timeout "$1" --script "$scratch/script" \
        "$scratch=/m" "$release/httpd=/m/httpd" "$release/limit=/m/limit" "$release/load=/m/load" \
        benches/machine/measure=/m/measure >"$scratch/lines" || { cat "$scratch/lines" >&2; return 1; }
    # Columns of a mark: its number, then user, kernel and sleeps of processors 0 and 1.
    awk -v FS='\t' -v OFS='\t' -v counts="$scratch/counts" '{
        for (i = 0; i < 2; i++) {
            getline text < counts
            split(text, mark, " ")
            if (mark[1] != 2 * (NR - 1) + i) { print "a mark is missing" > "/dev/stderr"; exit 1 }
            for (j = 5; j <= 7; j++) at[i, j] = mark[j]
        }
        print $0, at[1, 5] - at[0, 5], at[1, 6] - at[0, 6], at[1, 7] - at[0, 7]
    }' "$scratch/lines"
}

# environment: the compiler, and the kernel that the instructions are of.
environment() {
    local kernel
    kernel=$(uname -r)
    if [ "$by" = machine ]; then
        kernel=$(find "$release/../machine" -name 'vmlinuz-*' -printf '%f\n' | sort -V | tail -n 1)
        kernel=${kernel#vmlinuz-}
    fi
    echo "$(rustc --version), Linux $kernel"
}
