//! The review folder on disk: private files, one run at a time, and folders that are whole or absent.
//!
//! Files are created for their owner alone (0600), folders likewise (0700), and no link is followed
//! for output. A run's files are written beside their destination and moved there when complete.
//! Does not: know what the files mean.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

/// Why the folder could not be used.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// Another run holds it.
    #[error("another run holds {folder}: {holder}")]
    Held {
        /// The folder.
        folder: String,
        /// Who, as far as the lock file says.
        holder: String,
    },
    /// The disk said no.
    #[error("{path}: {what}\n  hint: {}", remedy(what))]
    Disk {
        /// Where.
        path: String,
        /// What the system said.
        what: io::Error,
    },
    /// A link stands where a file or folder of ours belongs.
    #[error(
        "{path} is a symbolic link, and nothing is written through one\n  hint: put the file or folder that it leads to in its place, under this name"
    )]
    Link {
        /// Where.
        path: String,
    },
    /// Something stands where a file of ours belongs.
    #[error("{path} is not a plain file or folder; move it away")]
    InTheWay {
        /// Where.
        path: String,
    },
    /// A run would replace something that no run wrote, or that somebody wrote into.
    #[error(
        "{path} was not written by a run, or somebody wrote into it; nothing of yours is replaced: move it away"
    )]
    NotOurs {
        /// What.
        path: String,
    },
}

impl FolderError {
    /// The exit code: 5 for a folder that another run holds, 3 for what else stands in the way.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Held { .. } => 5,
            Self::Disk { .. }
            | Self::Link { .. }
            | Self::InTheWay { .. }
            | Self::NotOurs { .. } => 3,
        }
    }
}

/// What to do about what the disk said.
fn remedy(what: &io::Error) -> &'static str {
    if let Some(remedy) = shortage(what) {
        remedy
    } else if what.kind() == io::ErrorKind::NotFound {
        "make the folder above it first, or mind how it is spelt"
    } else {
        "the folder has to be writable for whoever runs the program"
    }
}

/// The remedy where the system has too little left, whatever the file is.
pub(crate) fn shortage(what: &io::Error) -> Option<&'static str> {
    use rustix::io::Errno;
    if matches!(what.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded) {
        return Some("make room and run it again: what is not whole counts for nothing");
    }
    if what.kind() == io::ErrorKind::FileTooLarge {
        return Some(
            "raise the limit of how large a file may be for whoever runs the program (`ulimit -f`), or use \
             another file system",
        );
    }
    match Errno::from_io_error(what) {
        Some(Errno::MFILE) => Some(
            "raise the limit of open files of whoever runs the program (`ulimit -n 1024`; in a systemd unit \
             `LimitNOFILE=1024`)",
        ),
        Some(Errno::NFILE) => Some(
            "this machine has as many files open as it may have in all (`sysctl fs.file-max`): raise that \
             limit, or run it again when less is at work",
        ),
        Some(_) | None => None,
    }
}

/// The disk's word about a path.
pub(crate) fn disk(path: &Path) -> impl FnOnce(io::Error) -> FolderError + use<> {
    let path = path.display().to_string();
    move |what| FolderError::Disk { path, what }
}

/// Holds a folder for one run; released when dropped, or when the process dies.
#[derive(Debug)]
pub struct Held {
    file: File,
}

impl Drop for Held {
    /// A process that was being started meanwhile may have the file open too: closing it would not do.
    fn drop(&mut self) {
        let _ = self.file.unlock();
    }
}

/// Takes the folder for this process. `who` is written into the lock for others to read.
pub fn hold(folder: &Path, who: &str) -> Result<Held, FolderError> {
    let path = folder.join(".lock");
    refuse_link(&path)?;
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(&path)
        .map_err(disk(&path))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut holder = String::new();
            let _ = file.read_to_string(&mut holder);
            let holder = holder.trim();
            let holder = if holder.is_empty() { "it does not say who" } else { holder };
            return Err(FolderError::Held {
                folder: folder.display().to_string(),
                holder: holder.to_owned(),
            });
        }
        Err(TryLockError::Error(error)) => return Err(disk(&path)(error)),
    }
    file.set_len(0)
        .and_then(|()| file.rewind())
        .and_then(|()| file.write_all(who.as_bytes()))
        .map_err(disk(&path))?;
    Ok(Held { file })
}

/// Fails where a link is there: what is written through one lands nobody knows where.
pub(crate) fn refuse_link(path: &Path) -> Result<(), FolderError> {
    match fs::symlink_metadata(path) {
        Ok(meta) if meta.file_type().is_symlink() => {
            Err(FolderError::Link { path: path.display().to_string() })
        }
        Ok(_) | Err(_) => Ok(()),
    }
}

/// Makes a private folder, unless it is there.
pub fn make(folder: &Path) -> Result<(), FolderError> {
    refuse_link(folder)?;
    match DirBuilder::new().mode(0o700).create(folder) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && folder.is_dir() => Ok(()),
        Err(error) => Err(disk(folder)(error)),
    }
}

/// Writes a new private file to the end and onto the disk, its name as well. Never replaces one.
pub fn write_new(path: &Path, bytes: &[u8]) -> Result<(), FolderError> {
    write(path, bytes)?;
    sync(home(path))
}

/// Writes a new private file; its name is on the disk when its folder is.
fn write(path: &Path, bytes: &[u8]) -> Result<(), FolderError> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .map_err(disk(path))?;
    let written = file.write_all(bytes).and_then(|()| file.sync_all());
    if written.is_err() {
        // Half of it helps nobody, and takes the room that is wanting.
        let _ = fs::remove_file(path);
    }
    written.map_err(disk(path))
}

/// Puts a file with these bytes in the place of one, with its permissions, or where there is none: whole, or
/// not at all.
pub(crate) fn rewrite(path: &Path, bytes: &[u8]) -> Result<(), FolderError> {
    refuse_link(path)?;
    let placed = Output::create(path).and_then(|mut out| {
        out.write_all(bytes)?;
        if let Ok(there) = fs::metadata(path) {
            out.file.set_permissions(there.permissions())?;
        }
        out.finish()
    });
    placed.map_err(disk(path))?;
    sync(home(path))
}

/// A private file that comes into its place whole: until then it lies beside it, and what stood there stays.
/// What is no plain file, such as a pipe, is written as it comes.
#[derive(Debug)]
pub(crate) struct Output {
    file: File,
    /// Where it lies and where it belongs, until it is there.
    on_its_way: Option<[PathBuf; 2]>,
}

impl Output {
    pub(crate) fn create(path: &Path) -> io::Result<Self> {
        let there = fs::metadata(path);
        let is_plain = there.as_ref().map_or(true, fs::Metadata::is_file);
        if is_plain && path.is_symlink() {
            return Err(io::Error::other("it is a symbolic link; nothing is written through one"));
        }
        if there.is_ok() {
            // Who may not write to a file may not replace it either.
            let file = OpenOptions::new().write(true).open(path)?;
            if !is_plain {
                return Ok(Self { file, on_its_way: None });
            }
        }
        let draft = beside(path, "draft");
        match fs::remove_file(&draft) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
        Ok(Self { file, on_its_way: Some([draft, path.to_owned()]) })
    }

    /// Puts it in its place; without this, nothing of it stays.
    pub(crate) fn finish(mut self) -> io::Result<()> {
        if let Some([draft, place]) = &self.on_its_way {
            self.file.sync_all()?;
            fs::rename(draft, place)?;
            self.on_its_way = None;
        }
        Ok(())
    }
}

impl io::Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        if let Some([draft, _]) = &self.on_its_way {
            // Half of it helps nobody, and takes the room that is wanting.
            let _ = fs::remove_file(draft);
        }
    }
}

/// The folder that a file lies in.
fn home(file: &Path) -> &Path {
    file.parent().filter(|home| !home.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Opens a private file for appending, making it if need be: then its name is on the disk as well.
pub(crate) fn open_append(path: &Path) -> Result<File, FolderError> {
    refuse_link(path)?;
    check_regular(path).map_err(disk(path))?;
    let mut open = OpenOptions::new();
    open.read(true).append(true).mode(0o600);
    match open.open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let file = open.create(true).open(path).map_err(disk(path))?;
            sync(home(path))?;
            Ok(file)
        }
        opened => opened.map_err(disk(path)),
    }
}

/// A path as it is typed at a prompt.
pub fn typed(path: &Path) -> String {
    let path = path.display().to_string();
    let plain = |c: char| c.is_alphanumeric() || "/\\._-+,:@%".contains(c);
    if !path.is_empty() && path.chars().all(plain) && !path.starts_with('-') {
        path
    } else {
        format!("'{}'", path.replace('\'', "'\\''"))
    }
}

/// How a folder stood before it was published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Before {
    /// With the same files.
    Same,
    /// With other files, or it was not there.
    Other,
}

/// Publishes a set of files as one folder: whole or absent. Where the folder is there already with
/// the same files, nothing happens; with other files it is replaced as a whole, unless it holds
/// something that is not among them.
pub fn publish(folder: &Path, files: &[(&str, &[u8])]) -> Result<Before, FolderError> {
    if files.iter().all(|(name, bytes)| fs::read(folder.join(name)).is_ok_and(|old| old == *bytes))
    {
        return Ok(Before::Same);
    }
    refuse_strangers(folder, files)?;
    replace(folder, files)?;
    Ok(Before::Other)
}

/// Puts a folder with these files in the place of what stands there: whole, or not at all. What a
/// replacement that was cut off left behind is put right first.
pub fn replace(folder: &Path, files: &[(&str, &[u8])]) -> Result<(), FolderError> {
    refuse_link(folder)?;
    let draft = beside(folder, "draft");
    let old = beside(folder, "old");
    restore(&old, folder)?;
    fill(&draft, |draft| {
        files.iter().try_for_each(|(name, bytes)| write(&draft.join(name), bytes))?;
        sync(draft)
    })?;
    if fs::symlink_metadata(folder).is_ok() {
        fs::rename(folder, &old).map_err(disk(folder))?;
    }
    if let Err(error) = fs::rename(&draft, folder) {
        // The next run does both where they cannot be done now.
        let _ = restore(&old, folder).and_then(|()| remove(&draft));
        return Err(disk(folder)(error));
    }
    sync(home(folder))?;
    remove(&old)
}

/// Makes a folder anew in which files are put together before they get their place. Where that fails, it is
/// gone again; where it is cut off, the next one begins with that.
pub(crate) fn fill(
    draft: &Path,
    files: impl FnOnce(&Path) -> Result<(), FolderError>,
) -> Result<(), FolderError> {
    remove(draft)?;
    let filled = make(draft).and_then(|()| files(draft));
    if filled.is_err() {
        let _ = remove(draft);
    }
    filled
}

/// Puts a folder aside under a name of its own that begins with a dot, and says which.
pub(crate) fn put_aside(folder: &Path, mark: &str) -> Result<PathBuf, FolderError> {
    let mut aside = beside(folder, mark);
    for again in 2.. {
        if fs::symlink_metadata(&aside).is_err() {
            break;
        }
        aside = beside(folder, &format!("{mark}-{again}"));
    }
    settle(folder, &aside)?;
    Ok(aside)
}

/// Gives what is whole its name.
pub(crate) fn settle(draft: &Path, path: &Path) -> Result<(), FolderError> {
    fs::rename(draft, path).map_err(disk(path))?;
    sync(home(path))
}

/// Ends a replacement that was cut off: if its successor never arrived, the old folder comes back.
fn restore(old: &Path, folder: &Path) -> Result<(), FolderError> {
    if fs::symlink_metadata(folder).is_ok() || fs::symlink_metadata(old).is_err() {
        return remove(old);
    }
    fs::rename(old, folder).map_err(disk(folder))
}

/// A folder may be replaced when nothing but these files is in it.
fn refuse_strangers(folder: &Path, files: &[(&str, &[u8])]) -> Result<(), FolderError> {
    refuse_link(folder)?;
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(disk(folder)(error)),
    };
    for entry in entries {
        let entry = entry.map_err(disk(folder))?;
        if !files.iter().any(|(name, _)| entry.file_name() == *name) {
            return Err(FolderError::NotOurs { path: entry.path().display().to_string() });
        }
    }
    Ok(())
}

/// `.2026-11-23.draft` beside `2026-11-23`.
fn beside(folder: &Path, mark: &str) -> PathBuf {
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    folder.with_file_name(format!(".{name}.{mark}"))
}

/// Clears away what a run that was cut off left behind.
pub fn clear_drafts(runs: &Path) -> Result<(), FolderError> {
    for path in list(runs).map_err(disk(runs))? {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.starts_with('.') && name.ends_with(".draft") {
            remove(&path)?;
        }
        if let Some(base) = name.strip_prefix('.').and_then(|name| name.strip_suffix(".old")) {
            restore(&path, &runs.join(base))?;
        }
    }
    Ok(())
}

/// Removes a folder of ours with all that is in it, if it is there.
pub(crate) fn remove(path: &Path) -> Result<(), FolderError> {
    match fs::symlink_metadata(path) {
        Err(_) => Ok(()),
        Ok(meta) if meta.is_dir() => fs::remove_dir_all(path).map_err(disk(path)),
        Ok(_) => Err(FolderError::InTheWay { path: path.display().to_string() }),
    }
}

fn sync(folder: &Path) -> Result<(), FolderError> {
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(disk(folder))
}

/// True for two paths of one file, whether or not it is there yet.
pub(crate) fn are_one_place(one: &Path, other: &Path) -> bool {
    let place = |path: &Path| {
        path.canonicalize().ok().or_else(|| {
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
            Some(folder.unwrap_or(Path::new(".")).canonicalize().ok()?.join(path.file_name()?))
        })
    };
    place(one).is_some_and(|one| place(other) == Some(one))
}

/// Fails where something is there that is no file, such as a pipe: to open it might never end. A folder is left
/// to whoever opens it.
pub(crate) fn check_regular(path: &Path) -> io::Result<()> {
    match fs::metadata(path) {
        Ok(meta) if !meta.is_file() && !meta.is_dir() => {
            Err(io::Error::other("it is not a regular file"))
        }
        Ok(_) | Err(_) => Ok(()),
    }
}

/// What lies in a folder, by name.
pub(crate) fn list(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder)?;
    let mut paths = entries.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
    paths.sort();
    Ok(paths)
}

/// How many bytes are free for this user where a folder lies.
pub fn room(folder: &Path) -> Result<u64, FolderError> {
    let stat = rustix::fs::statvfs(folder).map_err(|error| disk(folder)(error.into()))?;
    Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
}

/// Fails where a file or folder is there to which this user may not write.
pub fn check_writable(path: &Path) -> Result<(), FolderError> {
    use rustix::fs::{Access, access};
    let enter = if path.is_dir() { Access::EXEC_OK } else { Access::empty() };
    match access(path, Access::READ_OK | Access::WRITE_OK | enter).map_err(io::Error::from) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(disk(path)(error)),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Keeps what this process reads to its owner: new files are private, and a crash leaves no image of
/// the memory behind.
pub fn keep_private() {
    use rustix::fs::Mode;
    use rustix::process::{Resource, Rlimit, setrlimit, umask};
    umask(Mode::RWXG | Mode::RWXO);
    // Without the limit a crash is as it would have been; the run itself does not depend on it.
    let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder of this name with one file, told by its text.
    fn put(folder: &Path, name: &str, text: &str) {
        fs::create_dir(folder.join(name)).unwrap();
        write_new(&folder.join(name).join("file"), text.as_bytes()).unwrap();
    }

    #[test]
    fn a_folder_is_free_once_it_is_let_go_though_another_process_has_the_lock_open() {
        let folder = tempfile::tempdir().unwrap();
        let held = hold(folder.path(), "one").unwrap();
        assert!(matches!(hold(folder.path(), "two"), Err(FolderError::Held { .. })));
        let _inherited = held.file.try_clone().unwrap();
        drop(held);
        hold(folder.path(), "two").unwrap();
    }

    #[test]
    fn a_file_is_rewritten_whole_under_its_permissions() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("examples.toml");
        // Cut off before.
        write_new(&folder.path().join(".examples.toml.draft"), b"half").unwrap();
        rewrite(&path, b"first").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        rewrite(&path, b"first and second").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"first and second");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
        assert_eq!(list(folder.path()).unwrap(), std::slice::from_ref(&path));
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        rewrite(&link, b"third").unwrap_err();
        assert_eq!(fs::read(&path).unwrap(), b"first and second");
    }

    #[test]
    fn a_replacement_that_fails_after_one_that_was_cut_off_loses_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let sheets = folder.join("changes");
        let text = || fs::read_to_string(sheets.join("file")).unwrap();
        // Cut off between its two renames, and then a file that cannot be written.
        put(folder, ".changes.old", "first");
        replace(&sheets, &[("no/such", b"second")]).unwrap_err();
        assert_eq!(text(), "first");
        // Cut off after the second.
        put(folder, ".changes.old", "before");
        replace(&sheets, &[("file", b"second")]).unwrap();
        assert_eq!(text(), "second");
        assert_eq!(list(folder).unwrap(), [sheets]);
    }
}
