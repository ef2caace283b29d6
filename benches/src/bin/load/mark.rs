//! Marks: instructions that do nothing, and that a machine which counts takes note of
//! (benches/machine/counter.c).
#![allow(unsafe_code)]

/// Number of marks there are.
pub(crate) const COUNT: u16 = 1024;

// A mark is the no-operation `0f 1f 84 00 LO HI 5a 5a`, whose displacement holds its number. All
// are written down, sixteen bytes each with the return, because the number is known at run time
// only.
#[cfg(target_arch = "x86_64")]
std::arch::global_asm!(
    ".pushsection .text.load_marks, \"ax\"",
    ".balign 16",
    "load_marks:",
    ".set load_mark, 0",
    ".rept {count}",
    ".byte 0x0f, 0x1f, 0x84, 0x00",
    ".word load_mark",
    ".byte 0x5a, 0x5a",
    "ret",
    ".balign 16",
    ".set load_mark, load_mark + 1",
    ".endr",
    ".popsection",
    count = const COUNT,
);

/// Executes the mark of a number; there are [`COUNT`], and none on other processors than x86-64.
pub(crate) fn mark(number: u16) {
    #[cfg(target_arch = "x86_64")]
    if number < COUNT {
        // SAFETY: the number is in the table, so what is called is a no-operation and a return. It
        // uses no register but the one that it is called by, and eight bytes of the stack.
        unsafe {
            std::arch::asm!(
                "lea {table}, [rip + load_marks]",
                "add {table}, {place}",
                "call {table}",
                table = out(reg) _,
                place = in(reg) u64::from(number) * 16,
            );
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = number;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mark_does_nothing_and_returns() {
        for number in [0, 1, COUNT - 1, COUNT, u16::MAX] {
            mark(number);
        }
    }
}
