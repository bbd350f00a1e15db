//! Names of distributions: which one brings a module, and which ones a project asks for.

mod install;
mod required;

pub use install::Installer;
pub use required::{add_requirement, requires};

/// The normal form of a distribution's name (PEP 503): `Zope.Interface` and `zope_interface` are `zope-interface`.
pub fn normalize(name: &str) -> String {
    let parts = name.split(['-', '_', '.']).filter(|part| !part.is_empty());
    parts.collect::<Vec<_>>().join("-").to_ascii_lowercase()
}

/// The distribution that brings the module `import` where its name is another one: `yaml` and `yaml.nodes` are in PyYAML.
/// `None` for modules that are called like their distribution, and for all that are not known. Where several distributions
/// bring a module, the one that most projects use.
pub fn distribution_of(import: &str) -> Option<&'static str> {
    let mut name = import;
    loop {
        if let Ok(index) = DISTRIBUTIONS.binary_search_by(|(module, _)| (*module).cmp(name)) {
            return Some(DISTRIBUTIONS[index].1);
        }
        name = name.rsplit_once('.')?.0;
    }
}

/// Sorted by module.
const DISTRIBUTIONS: &[(&str, &str)] = &[
    ("Bio", "biopython"),
    ("Box2D", "box2d-py"),
    ("Crypto", "pycryptodome"),
    ("Cryptodome", "pycryptodomex"),
    ("MeCab", "mecab-python3"),
    ("MySQLdb", "mysqlclient"),
    ("OpenGL", "PyOpenGL"),
    ("OpenSSL", "pyOpenSSL"),
    ("PIL", "Pillow"),
    ("RPi", "RPi.GPIO"),
    ("Registry", "python-registry"),
    ("Xlib", "python-xlib"),
    ("_pytest", "pytest"),
    ("_yaml", "PyYAML"),
    ("absl", "absl-py"),
    ("allauth", "django-allauth"),
    ("antlr4", "antlr4-python3-runtime"),
    ("anymail", "django-anymail"),
    ("apiclient", "google-api-python-client"),
    ("argon2", "argon2-cffi"),
    ("attr", "attrs"),
    ("axes", "django-axes"),
    ("azure.batch", "azure-batch"),
    ("azure.core", "azure-core"),
    ("azure.cosmos", "azure-cosmos"),
    ("azure.eventhub", "azure-eventhub"),
    ("azure.identity", "azure-identity"),
    ("azure.keyvault.keys", "azure-keyvault-keys"),
    ("azure.keyvault.secrets", "azure-keyvault-secrets"),
    ("azure.mgmt.compute", "azure-mgmt-compute"),
    ("azure.mgmt.resource", "azure-mgmt-resource"),
    ("azure.servicebus", "azure-servicebus"),
    ("azure.storage.blob", "azure-storage-blob"),
    ("azure.storage.queue", "azure-storage-queue"),
    ("barcode", "python-barcode"),
    ("bidi", "python-bidi"),
    ("bioformats", "python-bioformats"),
    ("bluetooth", "PyBluez"),
    ("board", "Adafruit-Blinka"),
    ("box", "python-box"),
    ("bs4", "beautifulsoup4"),
    ("bson", "pymongo"),
    ("busio", "Adafruit-Blinka"),
    ("cairo", "pycairo"),
    ("camelot", "camelot-py"),
    ("can", "python-can"),
    ("cassandra", "cassandra-driver"),
    ("ckeditor", "django-ckeditor"),
    ("clr", "pythonnet"),
    ("community", "python-louvain"),
    ("compressor", "django-compressor"),
    ("constance", "django-constance"),
    ("consul", "python-consul"),
    ("corsheaders", "django-cors-headers"),
    ("crispy_forms", "django-crispy-forms"),
    ("crontab", "python-crontab"),
    ("cups", "pycups"),
    ("cv2", "opencv-python"),
    ("dateutil", "python-dateutil"),
    ("dbus", "dbus-python"),
    ("debug_toolbar", "django-debug-toolbar"),
    ("decouple", "python-decouple"),
    ("dicom", "pydicom"),
    ("digitalio", "Adafruit-Blinka"),
    ("dirtyfields", "django-dirtyfields"),
    ("discord", "discord.py"),
    ("django_filters", "django-filter"),
    ("dns", "dnspython"),
    ("docx", "python-docx"),
    ("dotenv", "python-dotenv"),
    ("editor", "python-editor"),
    ("elftools", "pyelftools"),
    ("engineio", "python-engineio"),
    ("environ", "django-environ"),
    ("escpos", "python-escpos"),
    ("facebook", "facebook-sdk"),
    ("factory", "factory_boy"),
    ("faiss", "faiss-cpu"),
    ("ffmpeg", "ffmpeg-python"),
    ("fitz", "PyMuPDF"),
    ("fuse", "fusepy"),
    ("gflags", "python-gflags"),
    ("gi", "PyGObject"),
    ("git", "GitPython"),
    ("github", "PyGithub"),
    ("gitlab", "python-gitlab"),
    ("gnupg", "python-gnupg"),
    ("google.api_core", "google-api-core"),
    ("google.auth", "google-auth"),
    ("google.cloud.bigquery", "google-cloud-bigquery"),
    ("google.cloud.firestore", "google-cloud-firestore"),
    ("google.cloud.logging", "google-cloud-logging"),
    ("google.cloud.pubsub", "google-cloud-pubsub"),
    ("google.cloud.pubsub_v1", "google-cloud-pubsub"),
    ("google.cloud.secretmanager", "google-cloud-secret-manager"),
    ("google.cloud.speech", "google-cloud-speech"),
    ("google.cloud.storage", "google-cloud-storage"),
    ("google.cloud.translate", "google-cloud-translate"),
    ("google.cloud.vision", "google-cloud-vision"),
    ("google.genai", "google-genai"),
    ("google.generativeai", "google-generativeai"),
    ("google.oauth2", "google-auth"),
    ("google.protobuf", "protobuf"),
    ("googleapiclient", "google-api-python-client"),
    ("googlesearch", "googlesearch-python"),
    ("gridfs", "pymongo"),
    ("grpc", "grpcio"),
    ("grpc_health", "grpcio-health-checking"),
    ("grpc_reflection", "grpcio-reflection"),
    ("grpc_tools", "grpcio-tools"),
    ("guardian", "django-guardian"),
    ("hcl2", "python-hcl2"),
    ("health_check", "django-health-check"),
    ("hglib", "python-hglib"),
    ("hid", "hidapi"),
    ("hydra", "hydra-core"),
    ("imagekit", "django-imagekit"),
    ("impala", "impyla"),
    ("import_export", "django-import-export"),
    ("jenkins", "python-jenkins"),
    ("jks", "pyjks"),
    ("jose", "python-jose"),
    ("jpype", "JPype1"),
    ("jsonrpclib", "jsonrpclib-pelix"),
    ("jwt", "PyJWT"),
    ("kafka", "kafka-python"),
    ("keycloak", "python-keycloak"),
    ("keystoneclient", "python-keystoneclient"),
    ("ldap", "python-ldap"),
    ("logstash", "python-logstash"),
    ("magic", "python-magic"),
    ("markdown_it", "markdown-it-py"),
    ("model_utils", "django-model-utils"),
    ("modeltranslation", "django-modeltranslation"),
    ("mpl_toolkits", "matplotlib"),
    ("mptt", "django-mptt"),
    ("mpv", "python-mpv"),
    ("multipart", "python-multipart"),
    ("mysql", "mysql-connector-python"),
    ("nacl", "PyNaCl"),
    ("nats", "nats-py"),
    ("nio", "matrix-nio"),
    ("nmap", "python-nmap"),
    ("novaclient", "python-novaclient"),
    ("oauth2_provider", "django-oauth-toolkit"),
    ("odf", "odfpy"),
    ("office365", "Office365-REST-Python-Client"),
    ("opensearchpy", "opensearch-py"),
    ("openstack", "openstacksdk"),
    ("opentelemetry.sdk", "opentelemetry-sdk"),
    ("ordered_model", "django-ordered-model"),
    ("osgeo", "GDAL"),
    ("paho", "paho-mqtt"),
    ("pam", "python-pam"),
    ("past", "future"),
    ("pdfminer", "pdfminer.six"),
    ("phonenumber_field", "django-phonenumber-field"),
    ("pkg_resources", "setuptools"),
    ("playhouse", "peewee"),
    ("png", "pypng"),
    ("polymorphic", "django-polymorphic"),
    ("pptx", "python-pptx"),
    ("progressbar", "progressbar2"),
    ("pwiz", "peewee"),
    ("pylab", "matplotlib"),
    ("pynvml", "nvidia-ml-py"),
    ("pythoncom", "pywin32"),
    ("pythonjsonlogger", "python-json-logger"),
    ("pywintypes", "pywin32"),
    ("pywt", "PyWavelets"),
    ("pyximport", "Cython"),
    ("rapidjson", "python-rapidjson"),
    ("rest_auth", "django-rest-auth"),
    ("rest_framework", "djangorestframework"),
    ("rest_framework_simplejwt", "djangorestframework-simplejwt"),
    ("reversion", "django-reversion"),
    ("ruamel.yaml", "ruamel.yaml"),
    ("sass", "libsass"),
    ("serial", "pyserial"),
    ("shapefile", "pyshp"),
    ("silk", "django-silk"),
    ("simple_history", "django-simple-history"),
    ("sipbuild", "sip"),
    ("skbio", "scikit-bio"),
    ("skfuzzy", "scikit-fuzzy"),
    ("skimage", "scikit-image"),
    ("sklearn", "scikit-learn"),
    ("skmultilearn", "scikit-multilearn"),
    ("skopt", "scikit-optimize"),
    ("skrf", "scikit-rf"),
    ("sksurv", "scikit-survival"),
    ("slack", "slackclient"),
    ("slugify", "python-slugify"),
    ("snappy", "python-snappy"),
    ("snowflake.connector", "snowflake-connector-python"),
    ("snowflake.snowpark", "snowflake-snowpark-python"),
    ("social_django", "social-auth-app-django"),
    ("socketio", "python-socketio"),
    ("socks", "PySocks"),
    ("speech_recognition", "SpeechRecognition"),
    ("sspi", "pywin32"),
    ("stdnum", "python-stdnum"),
    ("stl", "numpy-stl"),
    ("storages", "django-storages"),
    ("swiftclient", "python-swiftclient"),
    ("tabula", "tabula-py"),
    ("taggit", "django-taggit"),
    ("talib", "TA-Lib"),
    ("telebot", "pyTelegramBotAPI"),
    ("telegram", "python-telegram-bot"),
    ("tinymce", "django-tinymce"),
    ("tlz", "toolz"),
    ("trello", "py-trello"),
    ("twitter", "python-twitter"),
    ("umap", "umap-learn"),
    ("usb", "pyusb"),
    ("vlc", "python-vlc"),
    ("waffle", "django-waffle"),
    ("webpack_loader", "django-webpack-loader"),
    ("websocket", "websocket-client"),
    ("whois", "python-whois"),
    ("widget_tweaks", "django-widget-tweaks"),
    ("win32api", "pywin32"),
    ("win32clipboard", "pywin32"),
    ("win32com", "pywin32"),
    ("win32con", "pywin32"),
    ("win32file", "pywin32"),
    ("win32gui", "pywin32"),
    ("win32service", "pywin32"),
    ("wx", "wxPython"),
    ("xdg", "pyxdg"),
    ("yaml", "PyYAML"),
    ("yara", "yara-python"),
    ("zmq", "pyzmq"),
    ("zope.component", "zope.component"),
    ("zope.interface", "zope.interface"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_says_only_what_is_not_obvious() {
        assert!(DISTRIBUTIONS.len() > 150);
        assert!(DISTRIBUTIONS.is_sorted_by(|a, b| a.0 < b.0));
        for (module, distribution) in DISTRIBUTIONS {
            let is_obvious = !module.contains('.') && module.replace('_', "-").eq_ignore_ascii_case(distribution);
            assert!(!is_obvious, "{module}");
        }
    }

    #[test]
    fn modules_and_what_is_in_them() {
        assert_eq!(distribution_of("yaml"), Some("PyYAML"));
        assert_eq!(distribution_of("PIL.Image"), Some("Pillow"));
        assert_eq!(distribution_of("google.cloud.storage.blob"), Some("google-cloud-storage"));
        assert_eq!(distribution_of("google.cloud"), None);
        assert_eq!(distribution_of("requests"), None);
    }

    #[test]
    fn names_are_normalised() {
        for name in ["Zope.Interface", "zope_interface", "ZOPE--interface", "zope-._interface"] {
            assert_eq!(normalize(name), "zope-interface");
        }
    }
}
