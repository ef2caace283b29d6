/* Counts the instructions of a machine that QEMU emulates, by processor and by mode.
 *
 * A plugin for QEMU 7.2 (plugin API 1; Debian ships no header of it, so what is used is declared
 * here). Build: gcc -O2 -shared -fPIC -o counter.so counter.c
 * Use:   qemu-system-x86_64 ... -accel tcg -plugin ./counter.so,out=FILE
 *
 * A mark is the no-operation 0f 1f 84 00 LO HI 5a 5a. Wherever a program executes one, a line is
 * written: the mark's number (HI LO), then for each processor its instructions in user mode, in
 * kernel mode, and how often it went to sleep (HLT).
 *
 * As hardware does, a string instruction with a repeat prefix counts once, however often it
 * repeats. The mode is told by the upper half of addresses, which is the kernel's. What is counted
 * too often are instructions of a block that ends early by an exception, a page fault for example:
 * blocks are counted when they begin, and are a few instructions long.
 */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

typedef uint64_t plugin_id;
typedef struct {
    const char *target_name;
    struct {
        int min, cur;
    } version;
    uint8_t system_emulation;
    struct {
        int smp_vcpus, max_vcpus;
    } system;
} plugin_info;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
typedef void (*executed)(unsigned processor, void *data);
enum { NO_REGISTERS = 0 };
void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id, void (*)(plugin_id, struct qemu_plugin_tb *));
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *, executed, int, void *);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *, executed, int, void *);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *);
uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *, size_t);
const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *);

#define EXPORTED __attribute__((visibility("default")))
EXPORTED int qemu_plugin_version = 1;

/* Most processors of a machine. */
#define PROCESSORS 16
/* The bit of an address, and of what a callback is given, that says kernel. */
#define KERNEL 63

/* Only its processor's thread writes one, so no two threads share a line of the cache. */
static struct counts {
    uint64_t executed[2]; /* in user mode, in kernel mode */
    uint64_t sleeps;
    uint64_t repeated; /* the string instruction that was executed last, or none */
} __attribute__((aligned(128))) counts[PROCESSORS];
static int processors;
static FILE *out;

/* A block without string instructions. Data: mode and number of instructions. */
static void block(unsigned processor, void *data)
{
    uint64_t value = (uint64_t)data;
    struct counts *of = &counts[processor];
    of->executed[value >> KERNEL] += value & 0xffff;
    of->repeated = 0;
}

/* An instruction of a block with string instructions. Data: mode. */
static void single(unsigned processor, void *data)
{
    struct counts *of = &counts[processor];
    of->executed[(uint64_t)data >> KERNEL]++;
    of->repeated = 0;
}

/* A string instruction, each time that it repeats. Data: its address. */
static void repeated(unsigned processor, void *data)
{
    uint64_t address = (uint64_t)data;
    struct counts *of = &counts[processor];
    if (of->repeated != address)
        of->executed[address >> KERNEL]++;
    of->repeated = address;
}

static void sleeps(unsigned processor, void *data)
{
    (void)data;
    counts[processor].sleeps++;
}

static void mark(unsigned processor, void *data)
{
    (void)processor;
    fprintf(out, "%u", (unsigned)(uintptr_t)data);
    for (int i = 0; i < processors; i++)
        fprintf(out, " %" PRIu64 " %" PRIu64 " %" PRIu64, counts[i].executed[0],
                counts[i].executed[1], counts[i].sleeps);
    fputc('\n', out);
    fflush(out);
}

/* Whether bytes are MOVS, CMPS, STOS, LODS or SCAS with a repeat prefix. */
static int is_repeated(const uint8_t *bytes, size_t size)
{
    int repeats = 0;
    size_t at = 0;
    for (; at < size; at++) {
        uint8_t byte = bytes[at];
        if (byte == 0xf2 || byte == 0xf3)
            repeats = 1;
        else if (byte != 0x66 && byte != 0x67 && (byte & 0xf0) != 0x40)
            break;
    }
    if (!repeats || at == size)
        return 0;
    uint8_t code = bytes[at];
    return (code >= 0xa4 && code <= 0xa7) || (code >= 0xaa && code <= 0xaf);
}

static int is_mark(const uint8_t *bytes, size_t size)
{
    static const uint8_t head[] = {0x0f, 0x1f, 0x84, 0x00};
    return size == 8 && !memcmp(bytes, head, 4) && bytes[6] == 0x5a && bytes[7] == 0x5a;
}

static void translated(plugin_id id, struct qemu_plugin_tb *tb)
{
    (void)id;
    size_t size = qemu_plugin_tb_n_insns(tb);
    uint64_t mode = qemu_plugin_tb_vaddr(tb) >> KERNEL << KERNEL;
    int repeats = 0;
    for (size_t i = 0; i < size; i++) {
        struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
        const uint8_t *bytes = qemu_plugin_insn_data(insn);
        size_t length = qemu_plugin_insn_size(insn);
        repeats |= is_repeated(bytes, length);
        if (is_mark(bytes, length)) {
            uintptr_t number = bytes[4] | bytes[5] << 8;
            qemu_plugin_register_vcpu_insn_exec_cb(insn, mark, NO_REGISTERS, (void *)number);
        } else if (mode && length == 1 && bytes[0] == 0xf4) {
            qemu_plugin_register_vcpu_insn_exec_cb(insn, sleeps, NO_REGISTERS, NULL);
        }
    }
    if (!repeats) {
        qemu_plugin_register_vcpu_tb_exec_cb(tb, block, NO_REGISTERS, (void *)(mode | size));
        return;
    }
    for (size_t i = 0; i < size; i++) {
        struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
        if (is_repeated(qemu_plugin_insn_data(insn), qemu_plugin_insn_size(insn)))
            qemu_plugin_register_vcpu_insn_exec_cb(insn, repeated, NO_REGISTERS,
                                                   (void *)qemu_plugin_insn_vaddr(insn));
        else
            qemu_plugin_register_vcpu_insn_exec_cb(insn, single, NO_REGISTERS, (void *)mode);
    }
}

EXPORTED int qemu_plugin_install(plugin_id id, const plugin_info *info, int argc, char **argv)
{
    processors = info->system_emulation ? info->system.max_vcpus : 0;
    if (processors < 1 || processors > PROCESSORS || strcmp(info->target_name, "x86_64")) {
        fprintf(stderr, "counter: needs a machine of x86-64 with 1 to %d processors\n", PROCESSORS);
        return 1;
    }
    if (argc != 1 || strncmp(argv[0], "out=", 4)) {
        fprintf(stderr, "counter: needs one argument, out=FILE\n");
        return 1;
    }
    out = fopen(argv[0] + 4, "w");
    if (!out) {
        perror(argv[0] + 4);
        return 1;
    }
    qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
    return 0;
}
