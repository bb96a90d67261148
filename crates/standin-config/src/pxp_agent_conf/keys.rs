//! The keys of `pxp-agent.conf`.

use std::fmt;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// The keys that are read, each with the text of its value, whose place is where it stands.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Keys<'a> {
    #[serde(borrow)]
    pub(super) broker_ws_uri: Option<&'a RawValue>,
    pub(super) broker_ws_uris: Option<&'a RawValue>,
    pub(super) primary_uris: Option<&'a RawValue>,
    pub(super) master_uris: Option<&'a RawValue>,
    pub(super) pcp_version: Option<&'a RawValue>,
    pub(super) ping_interval: Option<&'a RawValue>,
    pub(super) connection_timeout: Option<&'a RawValue>,
    pub(super) ssl_ca_cert: Option<&'a RawValue>,
    pub(super) ssl_cert: Option<&'a RawValue>,
    pub(super) ssl_key: Option<&'a RawValue>,
    pub(super) ssl_crl: Option<&'a RawValue>,
}

impl<'a> Keys<'a> {
    pub(super) fn parse(text: &'a str) -> Result<Self, serde_json::Error> {
        let object: Object<'a> = serde_json::from_str(text)?;
        Ok(object.0)
    }
}

/// Keys by name. What serde derives would also take an array for them, in the order of the fields.
struct Object<'a>(Keys<'a>);

impl<'de: 'a, 'a> Deserialize<'de> for Object<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ObjectVisitor).map(Self)
    }
}

struct ObjectVisitor;

impl<'de> Visitor<'de> for ObjectVisitor {
    type Value = Keys<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Keys<'de>, A::Error> {
        Keys::deserialize(MapAccessDeserializer::new(map))
    }
}
