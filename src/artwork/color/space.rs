//! The colour space of the parts.

use std::collections::HashMap;
use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use moxcms::{ColorProfile, DataColorSpace, RenderingIntent, TransformOptions};
use sha2::{Digest, Sha256};

use super::transform::ColorChange;
use crate::error::{Error, ErrorKind, Result};
use crate::job::{Intent, Output, OutputProfile};
use crate::system::is_machine_fault;

/// The largest ICC profile that is read, in bytes: those of presses have up to 3 MiB.
pub(in super::super) const MAX_PROFILE_BYTES: u64 = 4 << 20;

/// The space that the colours of all artwork are converted to, which is that of the parts.
///
/// # Memory
///
/// The profile, and less than 100 bytes for each different profile that artwork has.
#[derive(Clone)]
pub struct ColorSpace(Arc<Inner>);

struct Inner {
    profile: ColorProfile,
    /// The embedded profile; `None` for sRGB.
    icc: Option<Arc<[u8]>>,
    intent: Intent,
    digest: [u8; 32],
    /// What is known of artwork's profiles, by what tells them apart.
    changes: Mutex<HashMap<[u8; 32], ColorChange>>,
}

impl ColorSpace {
    /// sRGB (IEC 61966-2-1).
    #[must_use]
    pub fn srgb(intent: Intent) -> Self {
        Self::new(ColorProfile::new_srgb(), None, intent)
    }

    /// The space that `output` asks for; the path of a profile holds from `base`, and leads nowhere outside of `root`, if there is one.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Document`] where the profile cannot be read or is none of red, green and blue that is defined by three primaries and
    /// their curves, and [`ErrorKind::Io`] where the machine fails.
    pub(crate) fn of(output: &Output, base: &Path, root: Option<&Path>) -> Result<Self> {
        let OutputProfile::Icc(path) = &output.profile else { return Ok(Self::srgb(output.intent)) };
        let path = base.join(&**path);
        let wrong = |what: &str| {
            let message = format!("found {}, {what}: expected an ICC profile of an RGB colour space, such as Adobe RGB", path.display());
            Error::from(ErrorKind::Document { file: None, at: "output.profile".to_owned(), message })
        };
        // What the machine is to blame for is no fault of the job.
        let read_error = |source: std::io::Error| {
            if is_machine_fault(&source) { Error::io("read", &path, source) } else { wrong("which cannot be read") }
        };
        let real = std::fs::canonicalize(&path).map_err(read_error)?;
        // The same words whether the file exists or not: who may not read it learns nothing about it.
        if root.is_some_and(|root| !real.starts_with(root)) {
            return Err(wrong("which cannot be read"));
        }
        let metadata = std::fs::metadata(&path).map_err(read_error)?;
        if !metadata.is_file() || metadata.len() > MAX_PROFILE_BYTES {
            return Err(wrong("which is no file or too large"));
        }
        let icc = std::fs::read(&path).map_err(read_error)?;
        let profile = ColorProfile::new_from_slice(&icc).map_err(|_| wrong("which is no ICC profile"))?;
        if profile.pcs != DataColorSpace::Xyz || !profile.is_matrix_shaper() {
            return Err(wrong("which is for inks or has tables"));
        }
        Ok(Self::new(profile, Some(icc.into()), output.intent))
    }

    fn new(profile: ColorProfile, icc: Option<Arc<[u8]>>, intent: Intent) -> Self {
        let digest = Sha256::new().chain_update(format!("{intent:?} ")).chain_update(icc.as_deref().unwrap_or_default());
        Self(Arc::new(Inner { profile, icc, intent, digest: digest.finalize().into(), changes: Mutex::default() }))
    }

    /// The ICC profile that the parts embed; `None` for sRGB.
    #[must_use]
    pub fn icc(&self) -> Option<&Arc<[u8]>> {
        self.0.icc.as_ref()
    }

    /// Bytes that the profile holds, as it was read and as it is used.
    pub(crate) fn memory_bytes(&self) -> u64 {
        2 * self.icc().map_or(0, |icc| icc.len() as u64)
    }

    /// The intent by which colours are converted.
    pub(crate) fn intent(&self) -> Intent {
        self.0.intent
    }

    /// What tells spaces apart, with their intents.
    pub(crate) fn digest(&self) -> [u8; 32] {
        self.0.digest
    }

    pub(super) fn profile(&self) -> &ColorProfile {
        &self.0.profile
    }

    pub(super) fn options(&self) -> TransformOptions {
        let rendering_intent = match self.0.intent {
            Intent::Perceptual => RenderingIntent::Perceptual,
            Intent::Relative => RenderingIntent::RelativeColorimetric,
            Intent::Saturation => RenderingIntent::Saturation,
        };
        TransformOptions { rendering_intent, ..TransformOptions::default() }
    }

    /// What becomes of the colours of a profile that `digest` tells apart, found out by `find` at the first time.
    pub(super) fn change(&self, digest: [u8; 32], find: impl FnOnce() -> ColorChange) -> ColorChange {
        *self.0.changes.lock().unwrap_or_else(PoisonError::into_inner).entry(digest).or_insert_with(find)
    }
}

/// sRGB, by the default intent.
impl Default for ColorSpace {
    fn default() -> Self {
        Self::srgb(Intent::default())
    }
}

impl PartialEq for ColorSpace {
    fn eq(&self, other: &Self) -> bool {
        self.digest() == other.digest()
    }
}

impl fmt::Debug for ColorSpace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let icc_bytes = self.icc().map_or(0, |icc| icc.len());
        f.debug_struct("ColorSpace").field("icc_bytes", &icc_bytes).field("intent", &self.0.intent).finish_non_exhaustive()
    }
}
