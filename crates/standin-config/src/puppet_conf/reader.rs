//! Reading settings by name, and keeping how each was read.

use std::path::PathBuf;

use super::not_empty;
use super::search::{Found, Search};
use crate::origin::{Reading, Readings};
use crate::secret::MASK;
use crate::{SettingsError, SettingsFault};

/// Turns the texts that a [`Search`] finds into values.
pub(super) struct Reader<'a> {
    search: &'a Search<'a>,
    pub(super) readings: Readings,
}

impl<'a> Reader<'a> {
    pub(super) fn new(search: &'a Search<'a>) -> Self {
        Self {
            search,
            readings: Readings::default(),
        }
    }

    pub(super) fn setting<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(&str) -> Result<T, SettingsFault>,
    ) -> Result<T, SettingsError> {
        let found = self.search.value(name)?;
        self.found(name, found, read)
    }

    /// The same for a setting that without a word of anybody has no value.
    pub(super) fn setting_if_set<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(&str) -> Result<T, SettingsFault>,
    ) -> Result<Option<T>, SettingsError> {
        let found = self.search.value(name)?;
        if found.origin.is_set() {
            self.found(name, found, read).map(Some)
        } else {
            self.found(name, found, |_| Ok(None))
        }
    }

    /// The same for a value that is shown to nobody, wherever it is wrong.
    pub(super) fn secret<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(&str) -> Result<T, SettingsFault>,
    ) -> Result<T, SettingsError> {
        let value = self.setting(name, read)?;
        if let Some(reading) = self.readings.get_mut(name)
            && reading.origin.is_set()
        {
            MASK.clone_into(&mut reading.value);
            reading.written = None;
        }
        Ok(value)
    }

    pub(super) fn path(&mut self, name: &'static str) -> Result<PathBuf, SettingsError> {
        self.setting(name, |text| not_empty(text).map(PathBuf::from))
    }

    pub(super) fn path_if_any(
        &mut self,
        name: &'static str,
    ) -> Result<Option<PathBuf>, SettingsError> {
        self.setting(name, |text| {
            Ok((!text.is_empty()).then(|| PathBuf::from(text)))
        })
    }

    fn found<T>(
        &mut self,
        name: &'static str,
        found: Found,
        read: impl FnOnce(&str) -> Result<T, SettingsFault>,
    ) -> Result<T, SettingsError> {
        let value = read(&found.text)
            .map_err(|fault| SettingsError::new(&found.origin, fault).about(name))?;
        let written = (found.written != found.text).then_some(found.written);
        self.readings.insert(
            name,
            Reading {
                value: found.text,
                written,
                origin: found.origin,
                rule: found.rule,
                unused: found.unused,
            },
        );
        Ok(value)
    }
}
