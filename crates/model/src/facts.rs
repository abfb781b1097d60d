//! What was observed of the values at one place: how many of which type, how long, how large, which.
//!
//! Everything here is a count, a least or greatest, or a set that is kept whole or not at all, so that adding up is
//! commutative and associative.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::secret::is_nameable;
use crate::shapes::Shapes;
use crate::tree::{Evidence, grow, is_false, is_zero};
use crate::{Kind, Witness};

/// Different values that are kept; at more, none is.
const VALUES: usize = 16;

/// Exchanges that are kept as witnesses of one claim.
const WITNESSES: usize = 4;

/// Exchanges that are kept for each type at one place.
const EACH: usize = 2;

/// What was observed of the values at one place.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Facts {
    #[serde(skip_serializing_if = "is_zero")]
    pub(crate) null: u64,
    #[serde(skip_serializing_if = "is_zero")]
    pub(crate) boolean: u64,
    #[serde(skip_serializing_if = "is_zero")]
    pub(crate) integer: u64,
    #[serde(skip_serializing_if = "is_zero")]
    pub(crate) number: u64,
    /// Of those, the ones that are whole (`4.0`), which JSON Schema takes for integers.
    #[serde(skip_serializing_if = "is_zero")]
    pub(crate) whole: u64,
    #[serde(skip_serializing_if = "is_zero")]
    pub(crate) string: u64,
    #[serde(skip_serializing_if = "is_zero")]
    pub(crate) array: u64,
    #[serde(skip_serializing_if = "is_zero")]
    pub(crate) object: u64,
    /// Strings of no characters; they say nothing about formats.
    #[serde(skip_serializing_if = "is_zero")]
    pub(crate) empty: u64,
    /// Strings by what they look like.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) kinds: BTreeMap<Kind, u64>,
    /// Of numbers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) range: Option<(f64, f64)>,
    /// Of strings, in characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) length: Option<(u64, u64)>,
    /// Of arrays.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) items: Option<(u64, u64)>,
    /// The different strings, if they are words and few.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) values: BTreeMap<Box<str>, u64>,
    /// Whether they were too many, or other than words.
    #[serde(skip_serializing_if = "is_false")]
    pub(crate) many: bool,
    /// A value to show, if that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) example: Option<Box<str>>,
    /// The first exchanges that hold a value here, of each type.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    shown: Vec<(Type, Witness)>,
    /// Which names the objects had together.
    #[serde(skip_serializing_if = "Shapes::is_empty")]
    pub(crate) shapes: Shapes,
}

/// The types of JSON, as they are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Type {
    Null,
    Boolean,
    Integer,
    Number,
    String,
    Array,
    Object,
}

impl Type {
    fn of(value: &Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(_) => Self::Boolean,
            Value::Number(number) if number.is_f64() => Self::Number,
            Value::Number(_) => Self::Integer,
            Value::String(_) => Self::String,
            Value::Array(_) => Self::Array,
            Value::Object(_) => Self::Object,
        }
    }
}

/// How a value is to be taken.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reading<'a> {
    /// Whether its name says that it is secret: then only its type is looked at.
    pub(crate) secret: bool,
    /// Whether to keep an example.
    pub(crate) example: bool,
    pub(crate) witness: &'a Witness,
}

impl Facts {
    /// Adds a JSON value, not what is in it.
    pub(crate) fn value(&mut self, value: &Value, reading: Reading<'_>) {
        match value {
            Value::Null => grow(&mut self.null, 1),
            Value::Bool(_) => grow(&mut self.boolean, 1),
            Value::Number(number) => {
                let count = if number.is_f64() { &mut self.number } else { &mut self.integer };
                grow(count, 1);
                let whole = number.is_f64() && number.as_f64().is_some_and(|number| number.fract() == 0.0);
                grow(&mut self.whole, u64::from(whole));
                self.numeric(number.as_f64(), &number.to_string(), reading);
            }
            Value::String(text) => self.string(text, reading),
            Value::Array(items) => {
                grow(&mut self.array, 1);
                widen(&mut self.items, items.len() as u64);
            }
            Value::Object(_) => grow(&mut self.object, 1),
        }
        self.seen_in(Type::of(value), reading.witness);
    }

    /// Adds a value that is text on the wire, whatever it means: of a query, a form, a path.
    pub(crate) fn text(&mut self, text: &str, reading: Reading<'_>) {
        let kind = match Kind::of(text) {
            kind @ (Kind::Integer | Kind::Number) => {
                let whole = kind == Kind::Integer;
                grow(if whole { &mut self.integer } else { &mut self.number }, 1);
                self.numeric(text.parse().ok(), text, reading);
                if whole { Type::Integer } else { Type::Number }
            }
            Kind::Boolean => {
                grow(&mut self.boolean, 1);
                Type::Boolean
            }
            _ => {
                self.string(text, reading);
                Type::String
            }
        };
        self.seen_in(kind, reading.witness);
    }

    fn numeric(&mut self, value: Option<f64>, text: &str, reading: Reading<'_>) {
        let Some(value) = value.filter(|value| value.is_finite() && !reading.secret) else { return };
        // Zero has two signs, and they must not depend on the order.
        let value = value + 0.0;
        let (low, high) = self.range.unwrap_or((value, value));
        self.range = Some((low.min(value), high.max(value)));
        self.show(text, reading);
    }

    fn string(&mut self, text: &str, reading: Reading<'_>) {
        grow(&mut self.string, 1);
        if reading.secret {
            self.many = true;
            self.values.clear();
            return;
        }
        widen(&mut self.length, text.chars().count() as u64);
        if text.is_empty() {
            grow(&mut self.empty, 1);
        } else {
            grow(self.kinds.entry(Kind::of(text)).or_default(), 1);
        }
        if !self.many {
            if is_nameable(text) {
                grow(self.values.entry(text.into()).or_default(), 1);
            } else {
                self.many = true;
            }
        }
        self.few();
        self.show(text, reading);
    }

    /// Keeps the values only while they are few.
    fn few(&mut self) {
        self.many |= self.values.len() > VALUES;
        if self.many {
            self.values.clear();
        }
    }

    /// Keeps the least example: which one is of no matter, but it must always be the same.
    fn show(&mut self, text: &str, reading: Reading<'_>) {
        if reading.example
            && text.len() <= 64
            && !matches!(Kind::of(text), Kind::Token | Kind::Bytes | Kind::Hash | Kind::Random)
        {
            least(&mut self.example, text.into());
        }
    }

    /// Keeps the first exchanges of each type.
    fn seen_in(&mut self, kind: Type, witness: &Witness) {
        let new = (kind, *witness);
        let Err(at) = self.shown.binary_search(&new) else { return };
        let first = self.shown.partition_point(|(known, _)| *known < kind);
        if at >= first + EACH {
            return;
        }
        self.shown.reserve_exact(1);
        self.shown.insert(at, new);
        if self.shown.get(first + EACH).is_some_and(|(known, _)| *known == kind) {
            self.shown.remove(first + EACH);
        }
    }

    /// The first exchanges that hold a value here.
    pub(crate) fn witnesses(&self) -> impl Iterator<Item = Witness> {
        self.shown.iter().map(|(_, witness)| *witness)
    }

    /// How many values were observed.
    pub(crate) const fn count(&self) -> u64 {
        let Self { null, boolean, integer, number, string, array, object, .. } = self;
        let scalars = null.saturating_add(*boolean).saturating_add(*integer).saturating_add(*number);
        scalars.saturating_add(*string).saturating_add(*array).saturating_add(*object)
    }
}

impl Evidence for Facts {
    fn merge(&mut self, other: Self) {
        let Self {
            null,
            boolean,
            integer,
            number,
            whole,
            string,
            array,
            object,
            empty,
            kinds,
            range,
            length,
            items,
            values,
            many,
            example,
            shown,
            shapes,
        } = other;
        for (sum, more) in [
            (&mut self.null, null),
            (&mut self.boolean, boolean),
            (&mut self.integer, integer),
            (&mut self.number, number),
            (&mut self.whole, whole),
            (&mut self.string, string),
            (&mut self.array, array),
            (&mut self.object, object),
            (&mut self.empty, empty),
        ] {
            *sum = sum.saturating_add(more);
        }
        for (kind, count) in kinds {
            grow(self.kinds.entry(kind).or_default(), count);
        }
        if let Some((low, high)) = range {
            let (least, greatest) = self.range.unwrap_or((low, high));
            self.range = Some((least.min(low), greatest.max(high)));
        }
        for (known, more) in [(&mut self.length, length), (&mut self.items, items)] {
            if let Some((low, high)) = more {
                widen(known, low);
                widen(known, high);
            }
        }
        for (value, count) in values {
            grow(self.values.entry(value).or_default(), count);
        }
        self.many |= many;
        self.few();
        if let Some(example) = example {
            least(&mut self.example, example);
        }
        for (kind, witness) in &shown {
            self.seen_in(*kind, witness);
        }
        self.shapes.merge(shapes);
    }

    /// Which of its names came together is of no use where they are not told apart.
    fn folded(&mut self) {
        self.shapes.close();
    }
}

fn widen(range: &mut Option<(u64, u64)>, value: u64) {
    let (low, high) = range.unwrap_or((value, value));
    *range = Some((low.min(value), high.max(value)));
}

fn least(known: &mut Option<Box<str>>, text: Box<str>) {
    if known.as_ref().is_none_or(|known| text < *known) {
        *known = Some(text);
    }
}

/// What a file holds may be in any order, and too much.
impl Facts {
    pub(crate) fn restore(&mut self) {
        for (kind, witness) in std::mem::take(&mut self.shown) {
            self.seen_in(kind, &witness);
        }
        self.few();
        self.shapes.restore();
    }
}

/// The first few exchanges behind a claim, in the order of their files and connections.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Witnesses(pub(crate) BTreeSet<Witness>);

impl Witnesses {
    pub(crate) fn add(&mut self, witness: Witness) {
        self.0.insert(witness);
        while self.0.len() > WITNESSES {
            self.0.pop_last();
        }
    }

    pub(crate) fn merge(&mut self, other: Self) {
        other.0.into_iter().for_each(|witness| self.add(witness));
    }

    /// Holds what was read from a file to the limit.
    pub(crate) fn restore(&mut self) {
        while self.0.len() > WITNESSES {
            self.0.pop_last();
        }
    }
}
