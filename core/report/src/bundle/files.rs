//! The paths of a bundle's files.

use std::fs;
use std::io;
use std::path::Path;

/// Every file below `dir` in path order, relative to it, with forward slashes.
///
/// # Errors
///
/// A folder cannot be read, or there is something that is neither a file nor a folder: a link could lead out of the
/// bundle and show other content tomorrow.
pub fn list(dir: &Path) -> io::Result<Vec<String>> {
    let mut paths = Vec::new();
    walk(dir, "", &mut paths)?;
    paths.sort();
    Ok(paths)
}

fn walk(dir: &Path, prefix: &str, paths: &mut Vec<String>) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let name = entry.file_name();
        let Some(name) = name.to_str() else {
            return Err(io::Error::other(format!("{} has a name that is not UTF-8", entry.path().display())));
        };
        let path = format!("{prefix}{name}");
        let kind = entry.file_type()?;
        if kind.is_dir() {
            walk(&entry.path(), &format!("{path}/"), paths)?;
        } else if kind.is_file() {
            paths.push(path);
        } else {
            return Err(io::Error::other(format!("{path} is neither a file nor a folder")));
        }
    }
    Ok(())
}

/// Whether a path names a file inside the folder it is joined to.
pub(crate) fn is_inside(path: &str) -> bool {
    !path.is_empty()
        && path.split('/').all(|part| !part.is_empty() && part != "." && part != ".." && !part.contains('\\'))
}
