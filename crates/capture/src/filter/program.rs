//! Running a classic BPF program (McCanne and Jacobson, 1993) over a packet.
//!
//! Promises: total. Jumps go forward only, so a program of n instructions takes at most n steps; every load is checked
//! against the captured bytes, and one beyond them rejects the packet, as in the kernel and in libpcap; `len` is the
//! length on the wire. Why not libpcap's own interpreter: its safe form takes the captured length for the wire's,
//! so that `greater` and `less` are wrong on packets that the snap length cut.

/// A compiled filter.
#[derive(Debug, Clone)]
pub(crate) struct Program {
    instructions: Vec<Instruction>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Instruction {
    pub(crate) code: u16,
    pub(crate) jump_true: u8,
    pub(crate) jump_false: u8,
    pub(crate) k: u32,
}

// The instruction classes: the low three bits of a code. The other bits are read below, where they are used.
const LD: u16 = 0;
const LDX: u16 = 1;
const ST: u16 = 2;
const STX: u16 = 3;
const ALU: u16 = 4;
const JMP: u16 = 5;
const RET: u16 = 6;
/// The bit that takes X instead of the constant.
const X: u16 = 0x08;

/// The registers and the scratch memory of a run.
#[derive(Default)]
struct Machine {
    a: u32,
    x: u32,
    memory: [u32; 16],
}

impl Program {
    pub(crate) fn new(instructions: Vec<Instruction>) -> Self {
        Self { instructions }
    }

    /// Whether the program accepts a packet of which `data` was captured and that had `wire_len` bytes.
    pub(crate) fn matches(&self, data: &[u8], wire_len: u32) -> bool {
        self.run(data, wire_len).is_some_and(|accepted| accepted != 0)
    }

    /// What the program returns; `None` when it loads beyond the packet, divides by zero, or is no program.
    fn run(&self, data: &[u8], wire_len: u32) -> Option<u32> {
        let mut machine = Machine::default();
        let mut next = 0_usize;
        loop {
            let instruction = self.instructions.get(next)?;
            let Instruction { code, k, .. } = *instruction;
            next = next.checked_add(1)?;
            match code & 0x07 {
                LD => machine.a = machine.load(code, k, data, wire_len)?,
                LDX => machine.x = machine.load_x(code, k, data, wire_len)?,
                ST => *machine.memory.get_mut(k as usize)? = machine.a,
                STX => *machine.memory.get_mut(k as usize)? = machine.x,
                ALU => machine.a = machine.compute(code, k)?,
                JMP => next = next.checked_add(machine.jump(instruction)?)?,
                RET => {
                    return match code & 0x18 {
                        0x00 => Some(k),
                        0x10 => Some(machine.a),
                        _ => None,
                    };
                }
                _ if code & 0x80 == 0 => machine.x = machine.a,
                _ => machine.a = machine.x,
            }
        }
    }
}

impl Machine {
    /// The value of a load into A: a word, half word or byte of the packet, or something already known.
    fn load(&self, code: u16, k: u32, data: &[u8], wire_len: u32) -> Option<u32> {
        let at = match code & 0xe0 {
            0x00 => return Some(k),
            0x20 => k,
            // An overflow is an offset beyond every packet.
            0x40 => self.x.checked_add(k)?,
            0x60 => return self.memory.get(k as usize).copied(),
            0x80 => return Some(wire_len),
            _ => return None,
        };
        let rest = data.get(at as usize..)?;
        match code & 0x18 {
            0x00 => rest.first_chunk().map(|&bytes| u32::from_be_bytes(bytes)),
            0x08 => rest.first_chunk().map(|&bytes| u32::from(u16::from_be_bytes(bytes))),
            0x10 => rest.first().map(|&byte| u32::from(byte)),
            _ => None,
        }
    }

    /// The value of a load into X; one of them is made for the length of an IPv4 header.
    fn load_x(&self, code: u16, k: u32, data: &[u8], wire_len: u32) -> Option<u32> {
        match code & 0xe0 {
            0x00 => Some(k),
            0x60 => self.memory.get(k as usize).copied(),
            0x80 => Some(wire_len),
            0xa0 => data.get(k as usize).map(|&byte| u32::from(byte & 0x0f) * 4),
            _ => None,
        }
    }

    fn compute(&self, code: u16, k: u32) -> Option<u32> {
        let a = self.a;
        let b = if code & X == 0 { k } else { self.x };
        Some(match code & 0xf0 {
            0x00 => a.wrapping_add(b),
            0x10 => a.wrapping_sub(b),
            0x20 => a.wrapping_mul(b),
            0x30 => a.checked_div(b)?,
            0x40 => a | b,
            0x50 => a & b,
            0x60 => a.checked_shl(b).unwrap_or(0),
            0x70 => a.checked_shr(b).unwrap_or(0),
            0x80 => a.wrapping_neg(),
            0x90 => a.checked_rem(b)?,
            0xa0 => a ^ b,
            _ => return None,
        })
    }

    /// How many instructions to pass over.
    fn jump(&self, instruction: &Instruction) -> Option<usize> {
        let Instruction { code, jump_true, jump_false, k } = *instruction;
        let b = if code & X == 0 { k } else { self.x };
        let taken = match code & 0xf0 {
            0x00 => return usize::try_from(k).ok(),
            0x10 => self.a == b,
            0x20 => self.a > b,
            0x30 => self.a >= b,
            0x40 => self.a & b != 0,
            _ => return None,
        };
        Some(usize::from(if taken { jump_true } else { jump_false }))
    }
}
