//! What a command reads and what it writes: never the same file, and tried before the work.
//!
//! Every verb that writes says first what it reads and writes ([`Files`]); where nothing speaks
//! against it, it gets [`Outputs`], through which results are written once they are there. A result
//! that cannot be written is not thrown away: it is printed all the same, and the error comes last.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use metabasin_pipeline::config::LoadedConfig;
use metabasin_pipeline::{
    DisclinationFormat, FilesError, Overwrite, PipelineError, Written, check_parquet,
    check_structure_name, files_beside_catalogue, try_output,
};

use crate::verbs::Context;

/// What a file is written as, as far as its name or this program must allow it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Text under whatever name.
    Text,
    /// A picture.
    Svg,
    /// A page.
    Html,
    /// Disclination lines: the name says which format.
    Disclinations,
    /// A table, where the program was built with Parquet.
    Parquet,
    /// A structure: the name says which format.
    Structure,
}

/// A file or folder, and which word of the command line names it.
struct Named {
    name: String,
    path: PathBuf,
}

impl Named {
    fn new(name: &str, path: &Path) -> Self {
        Self {
            name: name.to_owned(),
            path: path.to_owned(),
        }
    }

    fn shown(&self) -> String {
        format!("{} {}", self.name, self.path.display())
    }
}

/// How an output comes into being.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    File(Format),
    /// A catalogue, with files beside it; whether it may be there already the search knows.
    Catalogue,
    /// The folder of a run; whether it may hold something already the run knows.
    Run,
    /// A folder in which any file may be replaced.
    Folder,
}

/// What a command reads and writes.
pub struct Files {
    overwrite: Overwrite,
    inputs: Vec<Named>,
    outputs: Vec<(Named, Way)>,
}

impl Files {
    /// Nothing yet; existing files are replaced with `force` alone.
    pub fn of(force: bool) -> Self {
        Self {
            overwrite: if force {
                Overwrite::Allow
            } else {
                Overwrite::Refuse
            },
            inputs: Vec::new(),
            outputs: Vec::new(),
        }
    }

    /// A file or folder that is read.
    pub fn reads(mut self, name: &str, path: &Path) -> Self {
        self.inputs.push(Named::new(name, path));
        self
    }

    /// A catalogue that is read, with all that may stand beside it.
    pub fn reads_catalogue(mut self, path: &Path) -> Self {
        self.inputs.push(Named::new("the catalogue", path));
        for beside in files_beside_catalogue(path) {
            self.inputs
                .push(Named::new("the catalogue's companion", &beside));
        }
        self
    }

    /// A config and what it names.
    pub fn reads_config(mut self, loaded: &LoadedConfig) -> Self {
        self = self.reads("the config", &loaded.file);
        if let Some(sample) = &loaded.config.sample {
            self = self.reads("the sample", sample);
        }
        match &loaded.config.catalogue {
            Some(catalogue) => self.reads_catalogue(catalogue),
            None => self,
        }
    }

    /// A file that is written, where one was asked for.
    pub fn writes(mut self, name: &str, path: Option<&Path>, format: Format) -> Self {
        if let Some(path) = path {
            self.outputs
                .push((Named::new(name, path), Way::File(format)));
        }
        self
    }

    /// A catalogue that is made or added to.
    pub fn writes_catalogue(mut self, name: &str, path: &Path) -> Self {
        self.outputs.push((Named::new(name, path), Way::Catalogue));
        self
    }

    /// The folder of a run or walk.
    pub fn writes_run(mut self, name: &str, path: &Path) -> Self {
        self.outputs.push((Named::new(name, path), Way::Run));
        self
    }

    /// A folder of files under names of their own.
    pub fn writes_folder(mut self, name: &str, path: &Path) -> Self {
        self.outputs.push((Named::new(name, path), Way::Folder));
        self
    }

    /// Whether all of it can be written, and nothing that is read.
    ///
    /// # Errors
    /// Bad input that names the output and what speaks against it.
    pub fn tried(self) -> Result<Outputs, PipelineError> {
        for (k, (output, way)) in self.outputs.iter().enumerate() {
            self.refuse_inputs(output, *way)?;
            let identity = Identity::of(&output.path);
            if let Some((other, _)) = self.outputs[..k]
                .iter()
                .find(|(other, _)| Identity::of(&other.path) == identity)
            {
                return Err(PipelineError::BadInput(format!(
                    "{} and {} are the same file: give each its own",
                    other.shown(),
                    output.shown()
                )));
            }
        }
        for (output, way) in &self.outputs {
            self.try_one(output, *way)?;
        }
        Ok(Outputs {
            overwrite: self.overwrite,
            failure: None,
        })
    }

    fn refuse_inputs(&self, output: &Named, way: Way) -> Result<(), PipelineError> {
        let identity = Identity::of(&output.path);
        for input in &self.inputs {
            if Identity::of(&input.path) == identity {
                return Err(PipelineError::BadInput(format!(
                    "{} is {}, which is read: name another file (--force replaces no input)",
                    output.shown(),
                    input.shown()
                )));
            }
            let inside = match way {
                Way::Run => inside(&input.path, &output.path).is_some_and(|below| of_a_run(&below)),
                Way::Folder => inside(&input.path, &output.path).is_some(),
                Way::File(_) | Way::Catalogue => false,
            };
            if inside {
                return Err(PipelineError::BadInput(format!(
                    "{} lies in {}, where it could be replaced: write to another folder, or copy it \
                     elsewhere first",
                    input.shown(),
                    output.shown()
                )));
            }
        }
        Ok(())
    }

    fn try_one(&self, output: &Named, way: Way) -> Result<(), PipelineError> {
        let Way::File(format) = way else {
            return Ok(());
        };
        match format {
            Format::Structure => check_structure_name(&output.path)?,
            Format::Parquet => check_parquet()?,
            Format::Disclinations => {
                DisclinationFormat::of_name(&output.path)?;
            }
            Format::Svg => ends_in("svg", "plots are SVG", output)?,
            Format::Html => ends_in("html", "reports are HTML", output)?,
            Format::Text => {}
        }
        match try_output(&output.path, self.overwrite) {
            Err(FilesError::Exists { path }) => Err(PipelineError::BadInput(format!(
                "{} exists already: --force replaces it",
                path.display()
            ))),
            tried => Ok(tried?),
        }
    }
}

/// Whether the name of an output says what it is.
fn ends_in(wanted: &str, why: &str, output: &Named) -> Result<(), PipelineError> {
    let ending = output.path.extension().and_then(OsStr::to_str);
    if ending.is_some_and(|ending| ending.eq_ignore_ascii_case(wanted)) {
        return Ok(());
    }
    Err(PipelineError::BadInput(format!(
        "{}: {why}: end the name in .{wanted}",
        output.shown()
    )))
}

/// Outputs that could be written when they were tried.
#[derive(Debug)]
pub struct Outputs {
    overwrite: Overwrite,
    failure: Option<PipelineError>,
}

impl Outputs {
    /// Whether existing files are replaced.
    pub fn overwrite(&self) -> Overwrite {
        self.overwrite
    }

    /// Writes an output that was asked for and says so; where that fails, the error waits until the
    /// result is printed.
    pub fn write<T>(
        &mut self,
        context: &Context,
        what: &str,
        path: Option<&Path>,
        write: impl FnOnce(&Path, Overwrite) -> Result<T, PipelineError>,
    ) {
        let Some(path) = path else { return };
        match write(path, self.overwrite) {
            Ok(_) => context.say(&format!("{what}: {}", path.display())),
            Err(error) => self.keep(error),
        }
    }

    /// Keeps the error of an output that the work itself wrote.
    pub fn keep_if(&mut self, written: Written) {
        if let Err(error) = written {
            self.keep(error);
        }
    }

    /// Keeps the error of an output until the result is printed.
    pub fn keep(&mut self, error: PipelineError) {
        match &self.failure {
            None => self.failure = Some(error),
            // One error is returned; the others are said as they come.
            Some(_) => crate::output::complain(&error.to_string()),
        }
    }

    /// The error of what could not be written, once the result is printed.
    ///
    /// # Errors
    /// The first error that was kept.
    pub fn finish(self) -> Result<(), PipelineError> {
        match self.failure {
            None => Ok(()),
            Some(error) => {
                crate::output::complain("the result above is complete, but:");
                Err(error)
            }
        }
    }
}

/// What makes two names the same file.
#[derive(Debug, PartialEq, Eq)]
enum Identity {
    /// A file that is there: links lead to one file.
    #[cfg(unix)]
    Inode(u64, u64),
    /// A file that is not there yet: its folder without links, and its name.
    Name(PathBuf),
}

impl Identity {
    fn of(path: &Path) -> Self {
        #[cfg(unix)]
        if let Ok(found) = path.metadata() {
            use std::os::unix::fs::MetadataExt;
            return Self::Inode(found.dev(), found.ino());
        }
        Self::Name(place(path))
    }
}

/// The path without links and dots, as far as it is there.
fn place(path: &Path) -> PathBuf {
    if let Ok(place) = path.canonicalize() {
        return place;
    }
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    match (absolute.parent(), absolute.file_name()) {
        (Some(parent), Some(name)) => place(parent).join(name),
        _ => absolute,
    }
}

/// Where `path` lies below `folder`, if it does.
fn inside(path: &Path, folder: &Path) -> Option<PathBuf> {
    let below = place(path).strip_prefix(place(folder)).ok()?.to_owned();
    (below != Path::new("")).then_some(below)
}

/// Whether a run that is made anew may replace this file of its folder: all but its own files lie in
/// folders.
fn of_a_run(below: &Path) -> bool {
    let own = [
        "run.json",
        "findings.json",
        "report.html",
        "atoms.html",
        "events.html",
        "energy.svg",
    ];
    let name = below.to_string_lossy();
    below.components().count() > 1 || own.contains(&&*name) || name.starts_with("catalogue.sqlite")
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn at(folder: &tempfile::TempDir, name: &str) -> PathBuf {
        folder.path().join(name)
    }

    fn message(files: Files) -> String {
        files.tried().unwrap_err().to_string()
    }

    #[test]
    fn a_file_is_known_under_any_name() {
        let folder = tempfile::tempdir().unwrap();
        let input = at(&folder, "a.csv");
        fs::write(&input, "read").unwrap();
        fs::create_dir(at(&folder, "sub")).unwrap();
        fs::hard_link(&input, at(&folder, "hard.csv")).unwrap();
        let names = [
            "a.csv",
            "hard.csv",
            "sub/../a.csv",
            "./a.csv",
            #[cfg(unix)]
            "soft.csv",
            #[cfg(unix)]
            "through/a.csv",
        ];
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink("a.csv", at(&folder, "soft.csv")).unwrap();
            std::os::unix::fs::symlink(folder.path(), at(&folder, "through")).unwrap();
        }
        for name in names {
            for force in [false, true] {
                let output = at(&folder, name);
                let files = Files::of(force).reads("FILE", &input);
                let text = message(files.writes("--csv", Some(&output), Format::Text));
                assert!(text.contains("which is read"), "{name}: {text}");
            }
        }
        // Neither is there yet.
        for (one, other) in [("new.csv", "sub/../new.csv"), ("no/x.csv", "no/./x.csv")] {
            let (one, other) = (at(&folder, one), at(&folder, other));
            let files = Files::of(true).writes("--csv", Some(&one), Format::Text);
            let text = message(files.writes("--plot", Some(&other), Format::Svg));
            assert!(text.contains("the same file"), "{text}");
        }
        let other = at(&folder, "b.csv");
        let files = Files::of(false).reads("FILE", &input);
        files
            .writes("--csv", Some(&other), Format::Text)
            .tried()
            .unwrap();
        assert_eq!(fs::read_to_string(&input).unwrap(), "read");
    }

    #[test]
    fn what_lies_beside_a_catalogue_is_part_of_it() {
        let folder = tempfile::tempdir().unwrap();
        let catalogue = at(&folder, "z.sqlite");
        let database = ["", "-journal", "-wal", "-shm", ".lock"];
        let unfinished = [
            ".ahead",
            ".activation",
            ".escape",
            ".recall",
            ".recall-states",
            ".harvest",
            ".step",
        ];
        for suffix in database.into_iter().chain(unfinished) {
            let output = at(&folder, &format!("z.sqlite{suffix}"));
            let files = Files::of(true).reads_catalogue(&catalogue);
            let text = message(files.writes("-o", Some(&output), Format::Text));
            assert!(text.contains("the catalogue"), "{suffix}: {text}");
        }
    }

    #[test]
    fn a_run_replaces_nothing_that_it_reads() {
        let folder = tempfile::tempdir().unwrap();
        for (input, refused) in [
            ("run", true),
            ("run/catalogue.sqlite", true),
            ("run/01-prepare/structures/reference.extxyz", true),
            ("run/config.ron", false),
            ("other/catalogue.sqlite", false),
        ] {
            let files = Files::of(true).reads("the sample", &at(&folder, input));
            let tried = files.writes_run("--out", &at(&folder, "run")).tried();
            assert_eq!(tried.is_err(), refused, "{input}");
        }
    }

    #[test]
    fn names_that_ask_for_something_else_are_refused_before_the_work() {
        let folder = tempfile::tempdir().unwrap();
        for (name, format, remedy) in [
            ("plot.png", Format::Svg, ".svg"),
            ("plot", Format::Svg, ".svg"),
            ("a.pdb", Format::Structure, ".extxyz"),
            ("absent/a.csv", Format::Text, "create it first"),
        ] {
            let output = at(&folder, name);
            let text = message(Files::of(true).writes("-o", Some(&output), format));
            assert!(text.contains(remedy) && text.contains(name), "{text}");
        }
        let file = at(&folder, "file.csv");
        fs::write(&file, "").unwrap();
        let text = message(Files::of(false).writes("-o", Some(&file), Format::Text));
        assert!(text.contains("--force"), "{text}");
    }

    #[test]
    fn an_output_that_fails_waits_until_the_result_is_printed() {
        let folder = tempfile::tempdir().unwrap();
        let output = at(&folder, "a.csv");
        let files = Files::of(false).writes("--csv", Some(&output), Format::Text);
        let mut outputs = files.tried().unwrap();
        outputs.keep(PipelineError::Failed("the first".to_owned()));
        outputs.keep(PipelineError::Failed("the second".to_owned()));
        assert_eq!(outputs.finish().unwrap_err().to_string(), "the first");
    }
}
