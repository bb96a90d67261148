//! What `puppet.conf` says of HTTP: proxies and headers.

use super::not_empty;
use super::reader::Reader;
use crate::origin::Reading;
use crate::secret::MASK;
use crate::value::{entries, port, trim};
use crate::{NoProxy, Origin, Overrides, Proxy, Rule, Secret, SettingsError, SettingsFault};

/// How an agent speaks HTTP.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Http {
    /// The proxy, if there is one; `http_proxy_host`, `http_proxy_port` (3128 by default),
    /// `http_proxy_user` and `http_proxy_password`. `http_proxy` of the environment comes before
    /// them.
    pub proxy: Option<Proxy>,
    /// Who is spoken to without the proxy; `no_proxy`, by default `localhost` and `127.0.0.1`.
    /// The variable of the same name comes before the setting.
    pub no_proxy: Vec<NoProxy>,
    /// What the client calls itself; `http_user_agent`. None leaves it to the client.
    pub user_agent: Option<String>,
    /// Headers that every request carries; `http_extra_headers`, none by default.
    pub extra_headers: Vec<ExtraHeader>,
}

/// A header that every request carries.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ExtraHeader {
    /// Its name.
    pub name: String,
    /// Its value, which may be a token.
    pub value: Secret,
}

impl Http {
    pub(super) fn read(
        read: &mut Reader<'_>,
        overrides: &Overrides,
    ) -> Result<Self, SettingsError> {
        Ok(Self {
            proxy: proxy(read, overrides)?,
            no_proxy: without_proxy(read, overrides)?,
            user_agent: read.setting_if_set("http_user_agent", not_empty)?,
            extra_headers: read.secret("http_extra_headers", extra_headers)?,
        })
    }

    /// The proxy for requests to this host and port, if they go through one.
    #[must_use]
    pub fn proxy_for(&self, host: &str, port: u16) -> Option<&Proxy> {
        let proxy = self.proxy.as_ref()?;
        let direct = self.no_proxy.iter().any(|no| no.leaves_out(host, port));
        (!direct).then_some(proxy)
    }
}

/// `Puppet::HTTP::Proxy`: the environment's parts come first, each for itself.
fn proxy(read: &mut Reader<'_>, overrides: &Overrides) -> Result<Option<Proxy>, SettingsError> {
    let host = read.setting("http_proxy_host", |text| some(&not_empty(text)?))?;
    let port = read.setting("http_proxy_port", port)?;
    let user = read.setting("http_proxy_user", some)?;
    let password = read.secret("http_proxy_password", password)?;
    let settings = host.map(|host| Proxy {
        host,
        port,
        password: password.clone().filter(|_| user.is_some()),
        user: user.clone(),
    });
    let Some((name, url)) = overrides.http_proxy() else {
        return Ok(settings);
    };
    let origin = Origin::Environment(name);
    let proxy = Proxy::parse_url(url).map_err(|fault| SettingsError::new(&origin, fault))?;
    for (setting, value) in [
        ("http_proxy_host", Some(proxy.host.clone())),
        ("http_proxy_port", Some(proxy.port.to_string())),
        ("http_proxy_user", proxy.user.clone()),
        (
            "http_proxy_password",
            proxy.password.as_ref().map(|_| MASK.to_owned()),
        ),
    ] {
        if let Some(value) = value {
            let reading = Reading::new(value, origin.clone(), Rule::Environment);
            read.readings.put_before(setting, reading);
        }
    }
    Ok(Some(Proxy {
        password: proxy
            .password
            .or(password)
            .filter(|_| proxy.user.is_some() || user.is_some()),
        user: proxy.user.or(user),
        ..proxy
    }))
}

fn without_proxy(
    read: &mut Reader<'_>,
    overrides: &Overrides,
) -> Result<Vec<NoProxy>, SettingsError> {
    const NAME: &str = "no_proxy";
    let listed = read.setting(NAME, |text| match text {
        NONE => Ok(Vec::new()),
        text => no_proxy(text),
    })?;
    let Some((name, text)) = overrides.no_proxy() else {
        return Ok(listed);
    };
    let origin = Origin::Environment(name);
    let listed = no_proxy(text).map_err(|fault| SettingsError::new(&origin, fault))?;
    read.readings
        .put_before(NAME, Reading::new(text, origin, Rule::Environment));
    Ok(listed)
}

fn no_proxy(text: &str) -> Result<Vec<NoProxy>, SettingsFault> {
    entries(text)
        .filter(|entry| !entry.is_empty())
        .map(|entry| {
            let (name, own) = match entry.split_once(':') {
                Some((name, own)) => (name, Some(port(own)?)),
                None => (entry, None),
            };
            Ok(NoProxy {
                name: name.to_owned(),
                port: own,
            })
        })
        .collect()
}

/// The hook of `http_proxy_password` in `defaults.rb` refuses what could not stand in a URL.
fn password(text: &str) -> Result<Option<Secret>, SettingsFault> {
    if text.contains(['@', '!', '#', ' ', '/']) {
        return Err(SettingsFault::ProxyPassword);
    }
    Ok(some(text)?.map(|text| Secret::new(&text)))
}

fn some(text: &str) -> Result<Option<String>, SettingsFault> {
    Ok((text != NONE).then(|| text.to_owned()))
}

fn extra_headers(text: &str) -> Result<Vec<ExtraHeader>, SettingsFault> {
    entries(text).map(extra_header).collect()
}

fn extra_header(text: &str) -> Result<ExtraHeader, SettingsFault> {
    let (name, value) = text.split_once(':').ok_or(SettingsFault::Header)?;
    let (name, value) = (trim(name), trim(value));
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if name.is_empty() || !name.bytes().all(allowed) || value.bytes().any(|b| b.is_ascii_control())
    {
        return Err(SettingsFault::Header);
    }
    Ok(ExtraHeader {
        name: name.to_owned(),
        value: Secret::new(value),
    })
}

/// What stands for no proxy, no user, no password and no exception.
const NONE: &str = "none";

#[cfg(test)]
mod tests;
