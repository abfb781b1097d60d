//! Models as files: JSON, one object, `{"format":"egret-model","version":1,"model":{…}}`.
//!
//! The bytes are a function of the model: keys are in a fixed order, and nothing depends on when or where it was
//! written. Reading refuses what is not such a file, other versions, and files over 1 GiB, with a message; what it
//! takes is held to the same limits as what is observed, so that a file made by an enemy costs memory in proportion
//! to its length at most.

use serde::{Deserialize, Serialize};

use crate::Model;

/// The version that is written, and the only one that is read.
const VERSION: u64 = 1;

const FORMAT: &str = "egret-model";

/// Longer files are not read.
const LONGEST: usize = 1 << 30;

/// Why a file is not a model.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FileError {
    /// It is JSON of another kind, or no JSON.
    #[error("not a model: {0}; `egret api -o NAME.egret-model` writes one")]
    NotAModel(String),
    /// It was written by another egret.
    #[error("a model of version {0}, and this egret reads version {VERSION}: make it anew from its captures")]
    Version(u64),
    /// It is longer than any model.
    #[error("longer than {LONGEST} bytes, which no model is")]
    TooLong,
}

#[derive(Serialize)]
struct Written<'a> {
    format: &'a str,
    version: u64,
    model: &'a Model,
}

#[derive(Deserialize)]
struct Read {
    model: Model,
}

#[derive(Deserialize)]
struct Heading {
    #[serde(default)]
    format: String,
    #[serde(default)]
    version: u64,
}

impl Model {
    /// The model as a file.
    pub fn to_bytes(&self) -> Vec<u8> {
        let written = Written { format: FORMAT, version: VERSION, model: self };
        // Maps with keys that are texts, and numbers that are finite: nothing that JSON could not hold.
        let mut bytes = serde_json::to_vec(&written).unwrap_or_default();
        bytes.push(b'\n');
        bytes
    }

    /// Reads a file.
    ///
    /// # Errors
    /// What it is instead of a model that can be read.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, FileError> {
        if bytes.len() > LONGEST {
            return Err(FileError::TooLong);
        }
        let not = |error: serde_json::Error| FileError::NotAModel(error.to_string());
        let Heading { format, version } = serde_json::from_slice(bytes).map_err(not)?;
        if format != FORMAT {
            return Err(FileError::NotAModel("it does not say that it is one".into()));
        }
        if version != VERSION {
            return Err(FileError::Version(version));
        }
        let Read { mut model } = serde_json::from_slice(bytes).map_err(not)?;
        model.restore();
        Ok(model)
    }
}
