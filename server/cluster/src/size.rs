//! A size in a configuration: "10M", or "0" for nothing at all.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use crate::resources::{Memory, ResourceError};

/// A number of bytes. Units are powers of 1024, as of [`Memory`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Size(pub u64);

impl FromStr for Size {
    type Err = ResourceError;

    fn from_str(text: &str) -> Result<Self, ResourceError> {
        if text.trim() == "0" {
            return Ok(Self(0));
        }
        let memory: Memory = text.parse().map_err(|_| {
            ResourceError(format!(
                "the size {text:?} cannot be used: write it as \"10M\" or \"1G\", or \"0\""
            ))
        })?;
        Ok(Self(memory.0))
    }
}

impl TryFrom<String> for Size {
    type Error = ResourceError;

    fn try_from(text: String) -> Result<Self, ResourceError> {
        text.parse()
    }
}

impl From<Size> for String {
    fn from(size: Size) -> Self {
        size.to_string()
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0 => f.write_str("0"),
            bytes => Memory(bytes).fmt(f),
        }
    }
}

impl JsonSchema for Size {
    fn schema_name() -> Cow<'static, str> {
        "Size".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "pattern": r"^\s*(0|[0-9]+(\.[0-9]+)?\s*([bB]|[bB]ytes|[kKmMgGtT]([iI]?[bB])?))\s*$",
            "examples": ["10M", "1G", "0"],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_may_be_nothing() {
        let read = |text: &str| text.parse::<Size>().map(|size| size.0).ok();
        assert_eq!(read("0"), Some(0));
        assert_eq!(read("10 MB"), Some(10 << 20));
        assert_eq!(read("10"), None);
        assert_eq!(read("-1M"), None);
        assert_eq!(Size(0).to_string().parse(), Ok(Size(0)));
        assert_eq!(Size(10 << 20).to_string(), "10M");
    }
}
