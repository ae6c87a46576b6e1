//! Names of C++ functions, as the Itanium ABI writes them (`_ZN2js3runEi`).
//!
//! A name of a hundred bytes can expand to terabytes of text: each substitution repeats earlier output. So
//! this reader writes as it reads, into a buffer of fixed size, and ends when the buffer is full. Each step
//! either reads at least one byte or is the last, no step goes back, and the depth is bounded. So the time
//! is linear in the bytes read, for every name.
//!
//! It reads names of functions with their scopes, template arguments and operators, and parameters of the
//! usual types. A name that it cannot read stays unchanged; parameters that it cannot read are left out.

use crate::bounded::Bounded;
use crate::itanium_codes::{OPERATORS, Stop, builtin};
use std::ops::Range;

/// The deepest nesting of types and template arguments.
const MOST_DEPTH: u32 = 64;

type Step = Result<(), Stop>;

/// Writes the function's name into the empty `output`. Returns false if the name cannot be read; the
/// output is then meaningless.
pub(crate) fn write(mangled: &str, output: &mut Bounded) -> bool {
    let Some(rest) = mangled.strip_prefix("_Z") else {
        return false;
    };
    let mut reader = Reader {
        rest: rest.as_bytes(),
        output,
        known: Vec::new(),
        depth: 0,
    };
    let is_template = match reader.name() {
        Ok(is_template) => is_template,
        Err(Stop::Full) => return true,
        Err(Stop::Unknown) => return false,
    };
    // The parameters of a template follow its result type and refer to its arguments.
    if is_template || matches!(reader.rest, [] | [b'.', ..]) {
        return true;
    }
    let name_end = reader.output.len();
    if let Err(Stop::Unknown) = reader.parameters() {
        reader.output.truncate(name_end);
    }
    true
}

struct Reader<'a> {
    rest: &'a [u8],
    output: &'a mut Bounded,
    /// The ranges of the output that a substitution can repeat.
    known: Vec<Range<usize>>,
    depth: u32,
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    fn take(&mut self) -> Result<u8, Stop> {
        let (first, rest) = self.rest.split_first().ok_or(Stop::Unknown)?;
        self.rest = rest;
        Ok(*first)
    }

    fn take_if(&mut self, byte: u8) -> bool {
        let is_next = self.peek() == Some(byte);
        if is_next {
            self.rest = self.rest.split_at(1).1;
        }
        is_next
    }

    fn put(&mut self, text: &str) -> Step {
        Ok(self.output.put(text)?)
    }

    /// Runs a step that may nest.
    fn nested<T>(&mut self, step: impl FnOnce(&mut Self) -> Result<T, Stop>) -> Result<T, Stop> {
        if self.depth == MOST_DEPTH {
            return Err(Stop::Unknown);
        }
        self.depth += 1;
        let result = step(self);
        self.depth -= 1;
        result
    }

    fn remember(&mut self, start: usize) {
        self.known.push(start..self.output.len());
    }

    /// A name with its scopes. Returns true if it ends with template arguments.
    fn name(&mut self) -> Result<bool, Stop> {
        if self.take_if(b'N') {
            while matches!(self.peek(), Some(b'r' | b'V' | b'K' | b'R' | b'O')) {
                self.take()?;
            }
            return self.scopes();
        }
        let start = self.output.len();
        let is_known = self.peek() == Some(b'S') && {
            self.take()?;
            match self.take_if(b't') {
                true => {
                    self.put("std::")?;
                    false
                }
                false => {
                    self.substitution()?;
                    true
                }
            }
        };
        if !is_known {
            self.part(start)?;
        }
        if self.peek() != Some(b'I') {
            return Ok(false);
        }
        if !is_known {
            self.remember(start);
        }
        self.arguments()?;
        Ok(true)
    }

    /// The part between `N` and `E`.
    fn scopes(&mut self) -> Result<bool, Stop> {
        let start = self.output.len();
        let mut may_be_repeated = false;
        let mut is_template = false;
        while !self.take_if(b'E') {
            let has_scope = self.output.len() > start;
            if may_be_repeated {
                self.remember(start);
            }
            may_be_repeated = true;
            is_template = false;
            match self.peek() {
                Some(b'S') if !has_scope => {
                    self.take()?;
                    match self.take_if(b't') {
                        true => self.put("std")?,
                        false => self.substitution()?,
                    }
                    may_be_repeated = false;
                }
                Some(b'I') if has_scope => {
                    self.arguments()?;
                    is_template = true;
                }
                Some(_) => {
                    let scope = start..self.output.len();
                    if has_scope {
                        self.put("::")?;
                    }
                    self.part_in(scope)?;
                }
                None => return Err(Stop::Unknown),
            }
        }
        match self.output.len() > start {
            true => Ok(is_template),
            false => Err(Stop::Unknown),
        }
    }

    fn part(&mut self, start: usize) -> Step {
        self.part_in(start..start)
    }

    /// One part of a name: an identifier, an operator, or a constructor or destructor of its scope.
    fn part_in(&mut self, scope: Range<usize>) -> Step {
        // A mark of internal linkage.
        self.take_if(b'L');
        match self.peek() {
            Some(b'0'..=b'9') => self.identifier()?,
            Some(b'C' | b'D') if !scope.is_empty() => {
                let is_destructor = self.take()? == b'D';
                if !matches!(self.take()?, b'0'..=b'5') {
                    return Err(Stop::Unknown);
                }
                let class = self.output.last_part(scope);
                if is_destructor {
                    self.put("~")?;
                }
                self.output.repeat(class)?;
            }
            Some(b'a'..=b'z') => {
                let code = [self.take()?, self.take()?];
                let operator = OPERATORS.iter().find(|(known, _)| **known == code);
                let (_, operator) = operator.ok_or(Stop::Unknown)?;
                self.put("operator")?;
                self.put(operator)?;
            }
            _ => return Err(Stop::Unknown),
        }
        while self.take_if(b'B') {
            self.put("[abi:")?;
            self.identifier()?;
            self.put("]")?;
        }
        Ok(())
    }

    /// A length, followed by that many bytes.
    fn identifier(&mut self) -> Step {
        let mut length = 0_usize;
        let mut digits = 0;
        while let Some(digit @ b'0'..=b'9') = self.peek() {
            self.take()?;
            // No number with more digits fits within a name.
            digits += 1;
            if digits > 6 {
                return Err(Stop::Unknown);
            }
            length = length * 10 + usize::from(digit - b'0');
        }
        if length == 0 {
            return Err(Stop::Unknown);
        }
        let (identifier, rest) = self.rest.split_at_checked(length).ok_or(Stop::Unknown)?;
        self.rest = rest;
        match std::str::from_utf8(identifier) {
            Ok(text) if text.starts_with("_GLOBAL__N") => self.put("(anonymous namespace)"),
            Ok(text) => self.put(text),
            Err(_) => Err(Stop::Unknown),
        }
    }

    /// The rest after `S`: a repetition of earlier output, or a name of the standard library.
    fn substitution(&mut self) -> Step {
        let index = match self.take()? {
            b'a' => return self.put("std::allocator"),
            b'b' => return self.put("std::basic_string"),
            b's' => return self.put("std::string"),
            b'i' => return self.put("std::istream"),
            b'o' => return self.put("std::ostream"),
            b'd' => return self.put("std::iostream"),
            b'_' => 0,
            mut digit => {
                let mut index = 0_usize;
                loop {
                    let value = match digit {
                        b'0'..=b'9' => digit - b'0',
                        b'A'..=b'Z' => digit - b'A' + 10,
                        b'_' => break index + 1,
                        _ => return Err(Stop::Unknown),
                    };
                    // A larger index than any name can have, and no overflow.
                    index = (index * 36 + usize::from(value)).min(1 << 20);
                    digit = self.take()?;
                }
            }
        };
        let known = self.known.get(index).cloned().ok_or(Stop::Unknown)?;
        Ok(self.output.repeat(known)?)
    }

    /// Template arguments, from `I` or `J` to `E`.
    fn arguments(&mut self) -> Step {
        self.nested(|reader| {
            reader.take()?;
            reader.put("<")?;
            let mut is_first = true;
            while !reader.take_if(b'E') {
                if !is_first {
                    reader.put(", ")?;
                }
                is_first = false;
                match reader.peek() {
                    Some(b'J') => reader.arguments()?,
                    Some(b'L') => reader.literal()?,
                    _ => reader.a_type()?,
                }
            }
            reader.put(">")
        })
    }

    /// `Li5E`: a number of a built-in type.
    fn literal(&mut self) -> Step {
        self.take()?;
        let kind = self.take()?;
        if builtin(kind).is_none() {
            return Err(Stop::Unknown);
        }
        if self.take_if(b'n') {
            self.put("-")?;
        }
        let mut number = String::new();
        while let Some(digit @ b'0'..=b'9') = self.peek() {
            self.take()?;
            number.push(char::from(digit));
        }
        match (kind, number.as_str()) {
            (b'b', "0") => self.put("false")?,
            (b'b', "1") => self.put("true")?,
            (_, "") => return Err(Stop::Unknown),
            (_, number) => self.put(number)?,
        }
        match self.take_if(b'E') {
            true => Ok(()),
            false => Err(Stop::Unknown),
        }
    }

    fn parameters(&mut self) -> Step {
        self.put("(")?;
        if matches!(self.rest, [b'v'] | [b'v', b'.', ..]) {
            return self.put(")");
        }
        let mut is_first = true;
        while !matches!(self.rest, [] | [b'.', ..]) {
            if !is_first {
                self.put(", ")?;
            }
            is_first = false;
            self.a_type()?;
        }
        self.put(")")
    }

    fn a_type(&mut self) -> Step {
        self.nested(Self::type_within)
    }

    fn type_within(&mut self) -> Step {
        let start = self.output.len();
        let first = self.peek().ok_or(Stop::Unknown)?;
        match first {
            b'P' | b'R' | b'O' => {
                self.take()?;
                self.a_type()?;
                self.put(match first {
                    b'P' => "*",
                    b'R' => "&",
                    _ => "&&",
                })?;
            }
            b'r' | b'V' | b'K' => {
                let mut qualifiers = String::new();
                while let Some(qualifier @ (b'r' | b'V' | b'K')) = self.peek() {
                    self.take()?;
                    let text = match qualifier {
                        b'r' => " restrict",
                        b'V' => " volatile",
                        _ => " const",
                    };
                    qualifiers.insert_str(0, text);
                    if qualifiers.len() > 32 {
                        return Err(Stop::Unknown);
                    }
                }
                self.a_type()?;
                self.put(&qualifiers)?;
            }
            b'S' if self.rest.get(1) != Some(&b't') => {
                self.take()?;
                self.substitution()?;
                if self.peek() != Some(b'I') {
                    return Ok(());
                }
                self.arguments()?;
            }
            b'D' => {
                self.take()?;
                let text = match self.take()? {
                    b'n' => "std::nullptr_t",
                    b'i' => "char32_t",
                    b's' => "char16_t",
                    b'u' => "char8_t",
                    b'a' => "auto",
                    _ => return Err(Stop::Unknown),
                };
                return self.put(text);
            }
            b'N' | b'S' | b'0'..=b'9' => {
                self.name()?;
            }
            _ => {
                self.take()?;
                return self.put(builtin(first).ok_or(Stop::Unknown)?);
            }
        }
        self.remember(start);
        Ok(())
    }
}
