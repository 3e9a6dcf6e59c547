//! The container: a PNG file that grows by fragments and appears under its name only when it is whole.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::{Fragment, PartColor, PixelFormat, adler, resume};
use crate::error::{Error, ErrorKind, Result};
use crate::geom::{Dpi, PxSize};
use crate::system::{forget_cached, reserve_space, start_write_back, sync_folder};

/// PNG's limit on the bytes of one chunk (PNG specification, section 5.3).
const MAX_CHUNK_BYTES: usize = (1 << 31) - 1;

/// After so many bytes the disk is set to work, so that little is left to wait for when the part is finished.
const WRITE_BACK_BYTES: u64 = 8 << 20;

/// Bytes of a fragment that are copied at a time.
const COPY_BYTES: usize = 64 << 10;

pub(super) const SIGNATURE: [u8; 8] = *b"\x89PNG\r\n\x1a\n";

/// The zlib header: deflate, a window of 32 KiB, no preset dictionary, and the check bits (RFC 1950, section 2.2).
const ZLIB_HEADER: [u8; 2] = [0x78, 0x01];

/// A last block of fixed codes with nothing in it, padded to a byte (RFC 1951, section 3.2.6).
const CLOSING_BLOCK: [u8; 2] = [0x03, 0x00];

/// The keyword of the text chunk that holds the plan's digest.
const DIGEST_KEYWORD: &[u8] = b"gangsheet-plan";

/// Of this many bytes at a part's start the keyword is one.
const MARK_BYTES: usize = 128;

/// What a part's file says about itself before its pixels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartHeader {
    /// Width and length in pixels.
    pub size: PxSize,
    /// Resolution, written as `pHYs`.
    pub dpi: Dpi,
    /// The pixels' format.
    pub format: PixelFormat,
    /// What the part says about its colours.
    pub color: PartColor,
    /// The digest of the plan that the pixels come from. Resuming refuses a file that has another one.
    pub digest: [u8; 32],
}

impl PartHeader {
    /// The kinds of chunks that a part has.
    pub(crate) const CHUNKS: [[u8; 4]; 7] = [*b"IHDR", *b"pHYs", *b"tEXt", *b"sRGB", *b"iCCP", *b"IDAT", *b"IEND"];

    /// Everything before the first fragment, the zlib header included.
    pub(super) fn prologue(&self) -> Vec<u8> {
        let mut ihdr = Vec::with_capacity(13);
        ihdr.extend_from_slice(&self.size.width().to_be_bytes());
        ihdr.extend_from_slice(&self.size.height().to_be_bytes());
        // 8 bits a channel; compression and filter method 0, not interlaced.
        ihdr.extend_from_slice(&[8, self.format.color_type(), 0, 0, 0]);
        let per_metre = self.dpi.per_metre().to_be_bytes();
        let phys = [&per_metre[..], &per_metre, &[1]].concat();
        let digest: String = self.digest.iter().map(|byte| format!("{byte:02x}")).collect();
        let text = [DIGEST_KEYWORD, &[0], digest.as_bytes()].concat();
        let chunks = [chunk(*b"IHDR", &ihdr), chunk(*b"pHYs", &phys), chunk(*b"tEXt", &text)];
        [&SIGNATURE[..], &chunks.concat(), &self.color.chunk(), &chunk(*b"IDAT", &ZLIB_HEADER)].concat()
    }

    /// Bytes of a filtered row, its filter byte included.
    pub(super) fn filtered_row_bytes(&self) -> u64 {
        self.format.row_bytes(self.size.width()) + 1
    }

    /// Bytes of all filtered rows. Below 2³¹ × 2³⁴: saturates only for sizes beyond any disk.
    fn raw_bytes(&self) -> u64 {
        self.filtered_row_bytes().saturating_mul(u64::from(self.size.height()))
    }
}

/// A small chunk, whole.
pub(super) fn chunk(kind: [u8; 4], data: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(data.len() + 12);
    let length = u32::try_from(data.len()).unwrap_or(u32::MAX);
    bytes.extend_from_slice(&length.to_be_bytes());
    bytes.extend_from_slice(&kind);
    bytes.extend_from_slice(data);
    let crc = crc32fast::hash(&bytes[4..]);
    bytes.extend_from_slice(&crc.to_be_bytes());
    bytes
}

/// A part's file while it is being written: `NAME.partial`, beside where it will be.
///
/// Fragments are appended in order as `IDAT` chunks. Only [`finish`](Self::finish) writes the file's end and gives it its name; dropping a
/// `PngPart` leaves the partial file as it is, from which [`resume`](Self::resume) goes on.
///
/// # Memory
///
/// 40 bytes for each fragment, which is written where it lies, and 64 KiB while one is appended again. Resuming holds 128 KiB and an
/// inflater's window while it checks.
#[derive(Debug)]
pub struct PngPart {
    final_path: PathBuf,
    partial_path: PathBuf,
    header: PartHeader,
    writer: ChunkWriter<File>,
    /// Of the file's bytes, those that the disk was set to work on.
    written_back: u64,
}

/// A finished part: the file is on the disk, whole, under its name.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PartFile {
    /// The file.
    pub path: PathBuf,
    /// Its size in bytes.
    pub bytes: u64,
    /// SHA-256 of its content.
    pub sha256: [u8; 32],
}

impl PngPart {
    /// The name under which a part is written until it is whole: `final_path` with `.partial` added.
    #[must_use]
    pub fn partial_path(final_path: &Path) -> PathBuf {
        let mut name = OsString::from(final_path);
        name.push(".partial");
        name.into()
    }

    /// Starts a part that will be `final_path`, which is not touched.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::OutputExists`](crate::ErrorKind::OutputExists) when its partial file is already there, perhaps because another run is
    /// at it; [`ErrorKind::Io`](crate::ErrorKind::Io) when it cannot be created or written.
    pub fn create(final_path: &Path, header: &PartHeader) -> Result<Self> {
        let partial_path = Self::partial_path(final_path);
        match OpenOptions::new().read(true).write(true).create_new(true).open(&partial_path) {
            Ok(file) => Self::start(final_path, partial_path, header, file),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(ErrorKind::OutputExists { path: partial_path }.into()),
            Err(source) => Err(Error::io("create", &partial_path, source)),
        }
    }

    fn start(final_path: &Path, partial_path: PathBuf, header: &PartHeader, file: File) -> Result<Self> {
        let writer = ChunkWriter::start(file, header).map_err(|source| Error::io("write", &partial_path, source))?;
        Ok(Self { final_path: final_path.to_owned(), partial_path, header: header.clone(), writer, written_back: 0 })
    }

    /// Goes on with the partial file of `final_path`, whose bands have `fragment_rows` rows each; says how many of them it already holds.
    ///
    /// Every chunk is read, its CRC checked and its pixels inflated and counted. What follows the last whole band, be it cut off or
    /// damaged, is truncated.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotResumable`](crate::ErrorKind::NotResumable) when the file's header or digest differ from `header`, and
    /// [`ErrorKind::Io`](crate::ErrorKind::Io) when it is missing or cannot be read or truncated.
    pub fn resume(final_path: &Path, header: &PartHeader, fragment_rows: &[u32]) -> Result<(Self, usize)> {
        let partial_path = Self::partial_path(final_path);
        let file = OpenOptions::new().read(true).write(true).open(&partial_path);
        let mut file = file.map_err(|source| Error::io("open", &partial_path, source))?;
        let (whole, fragments) = resume::scan(&mut file, header, fragment_rows, MAX_CHUNK_BYTES).map_err(|stop| stop.at(&partial_path))?;
        file.set_len(whole.bytes).map_err(|source| Error::io("truncate", &partial_path, source))?;
        if whole.bytes == 0 {
            return Ok((Self::start(final_path, partial_path, header, file)?, 0));
        }
        let bands = fragments.len();
        let written_back = whole.bytes;
        let writer = ChunkWriter::go_on(file, whole, fragments);
        Ok((Self { final_path: final_path.to_owned(), partial_path, header: header.clone(), writer, written_back }, bands))
    }

    /// Whether the file at `path`, finished or not, begins as `header` says, with the same plan's digest.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotResumable`](crate::ErrorKind::NotResumable) says in what it differs; [`ErrorKind::Io`](crate::ErrorKind::Io) when it
    /// cannot be read.
    pub fn check(path: &Path, header: &PartHeader) -> Result<()> {
        let mut file = File::open(path).map_err(|source| Error::io("open", path, source))?;
        resume::begins_as(&mut file, header).map(|_| ()).map_err(|stop| stop.at(path))
    }

    /// Whether the file at `path` begins as a part of any plan does, finished or not.
    pub(crate) fn is_one(path: &Path) -> bool {
        let mut start = Vec::with_capacity(MARK_BYTES);
        let read = File::open(path).and_then(|file| file.take(MARK_BYTES as u64).read_to_end(&mut start));
        read.is_ok() && start.windows(DIGEST_KEYWORD.len()).any(|text| text == DIGEST_KEYWORD)
    }

    /// Recognises a part that is already whole under its final name, its bands having `fragment_rows` rows each: every chunk is read, its CRC
    /// checked, and its pixels inflated and counted. `None` when it is damaged.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotResumable`](crate::ErrorKind::NotResumable) when it begins otherwise than `header` says, and
    /// [`ErrorKind::Io`](crate::ErrorKind::Io) when it cannot be read.
    pub fn finished(final_path: &Path, header: &PartHeader, fragment_rows: &[u32]) -> Result<Option<PartFile>> {
        let mut file = File::open(final_path).map_err(|source| Error::io("open", final_path, source))?;
        let (mut whole, fragments) = resume::scan(&mut file, header, fragment_rows, MAX_CHUNK_BYTES).map_err(|stop| stop.at(final_path))?;
        let (end, mut found) = (whole.end(), Vec::new());
        let read = file.seek(SeekFrom::Start(whole.bytes)).and_then(|_| (&file).take(end.len() as u64 + 1).read_to_end(&mut found));
        read.map_err(|source| Error::io("read", final_path, source))?;
        if fragments.len() < fragment_rows.len() || found != end {
            return Ok(None);
        }
        whole.sha256.update(&end);
        let bytes = whole.bytes + end.len() as u64;
        Ok(Some(PartFile { path: final_path.to_owned(), bytes, sha256: whole.sha256.finalize().into() }))
    }

    /// Asks the disk to keep room for `bytes` in all, where it can, so that a full one is known before the work. What is not needed is given
    /// back when the part is finished.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Io`](crate::ErrorKind::Io) when there is no such room.
    pub(crate) fn reserve(&self, bytes: u64) -> Result<()> {
        reserve_space(&self.writer.sink, bytes.max(1)).map_err(|source| Error::io("reserve room for", &self.partial_path, source))
    }

    /// Adds the next band. After an error the part still ends with the band before, and the same fragment may be tried again.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Io`](crate::ErrorKind::Io) when writing fails.
    pub fn append(&mut self, fragment: &Fragment) -> Result<()> {
        self.writer.append(fragment).map_err(|source| Error::io("write", &self.partial_path, source))?;
        self.write_back();
        Ok(())
    }

    /// Adds a band that is the same as an earlier one, whose fragment is read back from the file.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Io`](crate::ErrorKind::Io) when reading or writing fails.
    ///
    /// # Panics
    ///
    /// When the part has no band of index `band` yet: a fault of the caller.
    pub fn append_again(&mut self, band: usize) -> Result<()> {
        self.writer.append_again(band).map_err(|source| Error::io("write", &self.partial_path, source))?;
        self.write_back();
        Ok(())
    }

    /// Sets the disk to work on what has been written since the last time, if that is much.
    fn write_back(&mut self) {
        let bytes = self.bytes();
        if bytes - self.written_back >= WRITE_BACK_BYTES {
            start_write_back(&self.writer.sink, self.written_back..bytes);
            self.written_back = bytes;
        }
    }

    /// Bytes that the partial file holds so far.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.writer.whole.bytes
    }

    /// Writes the end, waits until the disk holds the file, and gives it its name, replacing a file of that name.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Io`](crate::ErrorKind::Io) when writing, syncing or renaming fails, or when the fragments do not make up all rows. The
    /// file stays, finished or not, and can be resumed.
    pub fn finish(mut self) -> Result<PartFile> {
        let end = self.writer.end(&self.header).and_then(|()| self.settle());
        end.map_err(|source| Error::io("finish", &self.partial_path, source))?;
        fs::rename(&self.partial_path, &self.final_path)
            .map_err(|source| Error::io("rename to its final name", &self.partial_path, source))?;
        sync_folder(&self.final_path).map_err(|source| Error::io("finish", &self.final_path, source))?;
        let Whole { bytes, sha256, .. } = self.writer.whole;
        Ok(PartFile { path: self.final_path, bytes, sha256: sha256.finalize().into() })
    }

    /// Brings what was written to the disk and makes sure that it is that and no more.
    fn settle(&self) -> io::Result<()> {
        let (file, bytes) = (&self.writer.sink, self.writer.whole.bytes);
        let length = file.metadata()?.len();
        if length < bytes {
            let message = format!("the file has {length} bytes where {bytes} were written");
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, message));
        }
        // Cuts off the rest of an attempt that failed and was then made good by a shorter one, and what was reserved in vain.
        file.set_len(bytes)?;
        file.sync_all().inspect_err(|_| forget_cached(file))
    }
}

/// How far a file is whole: what its first `bytes` bytes hold and hash to.
#[derive(Clone, Debug)]
pub(super) struct Whole {
    pub(super) bytes: u64,
    pub(super) sha256: Sha256,
    pub(super) adler32: u32,
    pub(super) raw_bytes: u64,
}

impl Whole {
    /// What ends a file whose rows are these: the closing block with the checksum of all rows, and `IEND`.
    fn end(&self) -> Vec<u8> {
        let closing = [&CLOSING_BLOCK[..], &self.adler32.to_be_bytes()].concat();
        [&chunk(*b"IDAT", &closing)[..], &chunk(*b"IEND", &[])].concat()
    }
}

impl Default for Whole {
    fn default() -> Self {
        Self { bytes: 0, sha256: Sha256::new(), adler32: adler::EMPTY, raw_bytes: 0 }
    }
}

/// Where a fragment's chunks lie in the file, and what they hold.
#[derive(Clone, Debug)]
pub(super) struct FragmentPlace {
    chunks: Range<u64>,
    adler32: u32,
    raw_bytes: u64,
}

impl FragmentPlace {
    /// The fragment that brings a file from being whole up to `before` to being whole up to `after`.
    pub(super) fn between(before: &Whole, after: &Whole, adler32: u32) -> Self {
        Self { chunks: before.bytes..after.bytes, adler32, raw_bytes: after.raw_bytes - before.raw_bytes }
    }
}

/// Writes chunks one behind the other. What failed half-way does not count: the next attempt starts where the last whole one ended.
#[derive(Debug)]
pub(super) struct ChunkWriter<W> {
    pub(super) sink: W,
    whole: Whole,
    fragments: Vec<FragmentPlace>,
    chunk_limit: usize,
}

impl<W: Write + Seek> ChunkWriter<W> {
    /// Writes a file's start.
    pub(super) fn start(sink: W, header: &PartHeader) -> io::Result<Self> {
        let mut writer = Self::go_on(sink, Whole::default(), Vec::new());
        writer.whole = writer.write_behind(&[&header.prologue()])?;
        Ok(writer)
    }

    /// Goes on behind what is whole.
    fn go_on(sink: W, whole: Whole, fragments: Vec<FragmentPlace>) -> Self {
        Self { sink, whole, fragments, chunk_limit: MAX_CHUNK_BYTES }
    }

    pub(super) fn append(&mut self, fragment: &Fragment) -> io::Result<()> {
        let mut frames = Vec::with_capacity(1);
        for data in fragment.bytes().chunks(self.chunk_limit) {
            let length = u32::try_from(data.len()).unwrap_or(u32::MAX).to_be_bytes();
            let mut crc = crc32fast::Hasher::new();
            crc.update(b"IDAT");
            crc.update(data);
            frames.push((length, data, crc.finalize().to_be_bytes()));
        }
        let pieces: Vec<&[u8]> = frames.iter().flat_map(|(length, data, crc)| [&length[..], b"IDAT", data, crc]).collect();
        let next = self.write_behind(&pieces)?;
        self.add(next, fragment.adler32(), fragment.raw_bytes());
        Ok(())
    }

    /// Counts a fragment whose chunks make the file whole up to `next`.
    fn add(&mut self, next: Whole, adler32: u32, raw_bytes: u64) {
        let all = adler::combine(next.adler32, adler32, raw_bytes);
        let next = Whole { adler32: all, raw_bytes: next.raw_bytes + raw_bytes, ..next };
        self.fragments.push(FragmentPlace::between(&self.whole, &next, adler32));
        self.whole = next;
    }

    /// Writes the file's end, if its rows are all there.
    pub(super) fn end(&mut self, header: &PartHeader) -> io::Result<()> {
        let raw_bytes = header.raw_bytes();
        if self.whole.raw_bytes != raw_bytes {
            let message = format!("its fragments hold {} bytes of rows, its size needs {raw_bytes}", self.whole.raw_bytes);
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        }
        self.whole = self.write_behind(&[&self.whole.end()])?;
        self.sink.flush()
    }

    /// Writes `pieces` behind what is whole, and says what will be whole if they count.
    fn write_behind(&mut self, pieces: &[&[u8]]) -> io::Result<Whole> {
        let mut next = self.whole.clone();
        self.sink.seek(SeekFrom::Start(next.bytes))?;
        for piece in pieces {
            self.sink.write_all(piece)?;
            next.bytes += piece.len() as u64;
            next.sha256.update(piece);
        }
        Ok(next)
    }
}

impl<W: Read + Write + Seek> ChunkWriter<W> {
    /// Copies the chunks of an earlier fragment.
    fn append_again(&mut self, nth: usize) -> io::Result<()> {
        let FragmentPlace { chunks, adler32, raw_bytes } = self.fragments[nth].clone();
        let mut next = self.whole.clone();
        let mut buffer = [0; COPY_BYTES];
        let mut at = chunks.start;
        while at < chunks.end {
            let length = (chunks.end - at).min(buffer.len() as u64);
            let piece = &mut buffer[..usize::try_from(length).unwrap_or(COPY_BYTES)];
            self.sink.seek(SeekFrom::Start(at))?;
            self.sink.read_exact(piece)?;
            self.sink.seek(SeekFrom::Start(next.bytes))?;
            self.sink.write_all(piece)?;
            next.bytes += length;
            next.sha256.update(piece);
            at += length;
        }
        self.add(next, adler32, raw_bytes);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::PixelFormat;
    use super::super::testing::*;
    use super::*;
    use crate::error::ErrorKind;
    use crate::job::Compression;
    use std::error::Error as _;
    use std::io::Cursor;

    #[test]
    fn joined_fragments_of_any_height_decode_with_all_checksums_on() {
        let (width, height) = (331, 517);
        for (format, compression) in FORMATS.into_iter().flat_map(|f| COMPRESSIONS.map(|c| (f, c))) {
            let picture = picture(width, height, format);
            for band_rows in [1, 2, 16, 100, 257] {
                let mut cuts = vec![band_rows; (height / band_rows) as usize];
                cuts.extend((height % band_rows > 0).then_some(height % band_rows));
                let fragments = encode_bands(&picture, width, format, compression, &cuts);
                let file = join(&header(width, height, format), &fragments);
                assert!(decode(&file).unwrap() == picture, "{band_rows} rows, {format:?}, {compression:?}");
            }
        }
    }

    #[test]
    fn a_finished_part_says_what_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("part.png");
        let header = header(5, 4, PixelFormat::Rgb8);
        let mut part = PngPart::create(&path, &header).unwrap();
        part.append(&encode(&[7; 60], 5, PixelFormat::Rgb8, Compression::Fast)).unwrap();
        assert!(!path.exists());
        let finished = part.finish().unwrap();
        let bytes = fs::read(&path).unwrap();
        assert_eq!(finished.bytes, bytes.len() as u64);
        assert_eq!(finished.sha256[..], Sha256::digest(&bytes)[..]);
        assert!(!PngPart::partial_path(&path).exists());

        let reader = png::Decoder::new(Cursor::new(&bytes)).read_info().unwrap();
        let info = reader.info();
        assert_eq!((info.width, info.height, info.color_type), (5, 4, png::ColorType::Rgb));
        let density = info.pixel_dims.unwrap();
        assert_eq!((density.xppu, density.yppu, density.unit), (11_811, 11_811, png::Unit::Meter));
        let text = &info.uncompressed_latin1_text[0];
        assert_eq!((text.keyword.as_str(), text.text.as_str()), ("gangsheet-plan", "a5".repeat(32).as_str()));
    }

    #[test]
    fn a_dropped_part_is_never_completed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("part.png");
        let mut part = PngPart::create(&path, &header(5, 8, PixelFormat::Rgb8)).unwrap();
        part.append(&encode(&[7; 60], 5, PixelFormat::Rgb8, Compression::Fast)).unwrap();
        drop(part);
        assert!(!path.exists());
        assert!(decode(&fs::read(PngPart::partial_path(&path)).unwrap()).is_err());
    }

    #[test]
    fn a_part_with_rows_missing_cannot_be_finished() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("part.png");
        let mut part = PngPart::create(&path, &header(5, 5, PixelFormat::Rgb8)).unwrap();
        part.append(&encode(&[7; 60], 5, PixelFormat::Rgb8, Compression::Fast)).unwrap();
        let error = part.finish().unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Io { action: "finish", .. }), "{error:?}");
        assert!(!path.exists());
    }

    /// A sink that takes at most `step` bytes a call and is full at `room` bytes.
    #[derive(Default)]
    struct Meagre {
        bytes: Cursor<Vec<u8>>,
        step: usize,
        room: u64,
    }

    impl Write for Meagre {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let room = usize::try_from(self.room - self.bytes.position()).unwrap();
            match bytes.len().min(self.step).min(room) {
                0 if !bytes.is_empty() => Err(io::ErrorKind::StorageFull.into()),
                length => self.bytes.write(&bytes[..length]),
            }
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Seek for Meagre {
        fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
            self.bytes.seek(to)
        }
    }

    /// Writes a part of three bands; after every failure gives the sink one more byte and tries again.
    fn write_meagrely(step: usize, room: u64, chunk_limit: usize) -> (Vec<u8>, u32) {
        let header = header(9, 30, PixelFormat::Rgba8);
        let picture = picture(9, 30, PixelFormat::Rgba8);
        let fragments = encode_bands(&picture, 9, PixelFormat::Rgba8, Compression::Fast, &[10; 3]);
        let mut writer =
            ChunkWriter { sink: Meagre { step, room, ..Meagre::default() }, whole: Whole::default(), fragments: Vec::new(), chunk_limit };
        let mut failures = 0;
        let mut insist = |writer: &mut ChunkWriter<Meagre>, attempt: &dyn Fn(&mut ChunkWriter<Meagre>) -> io::Result<()>| {
            while let Err(error) = attempt(writer) {
                assert_eq!(error.kind(), io::ErrorKind::StorageFull);
                writer.sink.room += 1;
                failures += 1;
            }
        };
        insist(&mut writer, &|writer| {
            writer.whole = writer.write_behind(&[&header.prologue()])?;
            Ok(())
        });
        for fragment in &fragments {
            insist(&mut writer, &|writer| writer.append(fragment));
        }
        insist(&mut writer, &|writer| writer.end(&header));
        let bytes = writer.sink.bytes.into_inner();
        assert_eq!(writer.whole.sha256.finalize()[..], Sha256::digest(&bytes)[..]);
        assert_eq!(decode(&bytes).unwrap(), picture);
        (bytes, failures)
    }

    #[test]
    fn short_and_failed_writes_change_no_byte() {
        let (whole, _) = write_meagrely(usize::MAX, u64::MAX, MAX_CHUNK_BYTES);
        assert_eq!(write_meagrely(1, u64::MAX, MAX_CHUNK_BYTES).0, whole);
        assert_eq!(write_meagrely(7, 0, MAX_CHUNK_BYTES), (whole.clone(), u32::try_from(whole.len()).unwrap()));
    }

    #[test]
    fn a_fragment_beyond_the_chunk_limit_is_split() {
        let (whole, _) = write_meagrely(usize::MAX, u64::MAX, MAX_CHUNK_BYTES);
        let (split, _) = write_meagrely(usize::MAX, u64::MAX, 100);
        assert!(split.len() > whole.len());
    }

    #[cfg(unix)]
    #[test]
    fn what_is_in_the_place_of_a_new_part_is_not_written_to() {
        let folder = tempfile::tempdir().unwrap();
        let (path, victim) = (folder.path().join("part.png"), folder.path().join("victim"));
        std::os::unix::fs::symlink(&victim, PngPart::partial_path(&path)).unwrap();
        let error = PngPart::create(&path, &header(5, 5, PixelFormat::Rgb8)).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::OutputExists { .. }) && !victim.exists(), "{error}");
    }

    #[test]
    fn a_failed_write_names_the_file_and_keeps_its_cause() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("part.png");
        let partial_path = PngPart::partial_path(&path);
        std::fs::write(&partial_path, []).unwrap();
        let unwritable = File::open(&partial_path).unwrap();
        let error = PngPart::start(&path, partial_path, &header(5, 5, PixelFormat::Rgb8), unwritable).unwrap_err();
        let source = error.source().unwrap().downcast_ref::<io::Error>().unwrap();
        assert!(source.raw_os_error().is_some(), "{source}");
        assert!(error.to_string().contains("part.png.partial"), "{error}");
    }
}
