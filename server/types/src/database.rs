//! ty's database over the files that may be seen.

use std::sync::Arc;

use ruff_db::Db as SourceDb;
use ruff_db::diagnostic::Diagnostic;
use ruff_db::files::{File, FileRootKind, Files as KnownFiles};
use ruff_db::system::{System, SystemPathBuf};
use ruff_db::vendored::VendoredFileSystem;
use ruff_python_ast::PythonVersion;
use ty_module_resolver::{Db as ModuleResolverDb, SearchPathSettings, SearchPathSettingsError};
use ty_python_core::platform::PythonPlatform;
use ty_python_core::program::{FallibleStrategy, ProgramSettings};
use ty_python_core::{Db as CoreDb, Program, ProgramFile};
use ty_python_semantic::lint::{LintRegistry, RuleSelection};
use ty_python_semantic::{
    AnalysisSettings, Db as SemanticDb, PythonVersionSource, PythonVersionWithSource, default_lint_registry,
};

use crate::files::Files;

/// Whose modules are checked, and with what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Project {
    pub root: SystemPathBuf,
    pub sources: Vec<SystemPathBuf>,
    pub sites: Vec<SystemPathBuf>,
    pub python: Option<(u8, u8)>,
}

#[salsa::db]
pub(crate) trait ProjectDb: SemanticDb {
    fn settings(&self) -> &ProgramSettings;
}

/// Interned once for a revision, instead of at each lookup.
#[salsa::tracked(returns(copy))]
fn program(db: &dyn ProjectDb) -> Program<'_> {
    Program::from_settings(db, db.settings())
}

#[salsa::db]
#[derive(Clone)]
pub(crate) struct Database {
    known: KnownFiles,
    pub files: Files,
    vendored: VendoredFileSystem,
    settings: Arc<ProgramSettings>,
    rules: Arc<RuleSelection>,
    analysis: Arc<AnalysisSettings>,
    storage: salsa::Storage<Database>,
}

impl Database {
    /// # Errors
    /// When a folder to import from cannot be used.
    pub fn new(project: &Project) -> Result<Self, SearchPathSettingsError> {
        let vendored = ty_vendored::file_system().clone();
        let analysis = AnalysisSettings { respect_type_ignore_comments: false, ..AnalysisSettings::default() };
        let mut db = Database {
            known: KnownFiles::default(),
            files: Files::new(project.root.clone(), &project.sites),
            settings: Arc::new(ProgramSettings::empty(&vendored)),
            vendored,
            rules: Arc::new(RuleSelection::from_registry(default_lint_registry())),
            analysis: Arc::new(analysis),
            storage: salsa::Storage::new(None),
        };
        // Before all others, or its files would count as ones that hardly ever change.
        db.known.try_add_root(&db, &project.root, FileRootKind::Project);
        let mut search = SearchPathSettings::new(project.sources.clone());
        search.site_packages_paths.clone_from(&project.sites);
        let version = project.python.map_or_else(PythonVersion::latest_ty, PythonVersion::from);
        let settings = ProgramSettings {
            python_version: PythonVersionWithSource { version, source: PythonVersionSource::default() },
            python_platform: PythonPlatform::default(),
            search_paths: search.to_search_paths(db.system(), db.vendored(), &FallibleStrategy)?,
        };
        settings.search_paths.try_register_static_roots(&db);
        db.settings = Arc::new(settings);
        Ok(db)
    }
}

#[salsa::db]
impl salsa::Database for Database {}

#[salsa::db]
impl SourceDb for Database {
    fn vendored(&self) -> &VendoredFileSystem {
        &self.vendored
    }

    fn system(&self) -> &dyn System {
        &self.files
    }

    fn files(&self) -> &KnownFiles {
        &self.known
    }
}

#[salsa::db]
impl ModuleResolverDb for Database {}

#[salsa::db]
impl CoreDb for Database {
    fn should_check_file(&self, file: File) -> bool {
        !file.path(self).is_vendored_path()
    }
}

#[salsa::db]
impl SemanticDb for Database {
    fn check_file(&self, file: File) -> Vec<Diagnostic> {
        ty_python_semantic::check_file_unwrap(self, self.program_file(file))
    }

    fn program_file(&self, file: File) -> ProgramFile<'_> {
        ProgramFile::new(self, file, program(self))
    }

    fn python_version_with_source(&self, _: File) -> &PythonVersionWithSource {
        &self.settings.python_version
    }

    fn rule_selection(&self, _: File) -> &RuleSelection {
        &self.rules
    }

    fn lint_registry(&self) -> &LintRegistry {
        default_lint_registry()
    }

    fn analysis_settings(&self, _: File) -> &AnalysisSettings {
        &self.analysis
    }

    fn verbose(&self) -> bool {
        false
    }

    fn is_open_file(&self, _: File) -> bool {
        false
    }

    fn dyn_clone(&self) -> Box<dyn SemanticDb> {
        Box::new(self.clone())
    }
}

#[salsa::db]
impl ProjectDb for Database {
    fn settings(&self) -> &ProgramSettings {
        &self.settings
    }
}
