//! Fixes of security findings, on the ranges that ruff gives: each must mend what ruff found.

use std::path::Path;

use lint::{Document, Finding, Linter, Ruff, security_fixes};

fn lint(ruff: &Ruff, path: &Path, text: &str) -> Vec<Finding> {
    let parsed = syntax::parse(text);
    assert!(!parsed.has_errors(), "{text}");
    ruff.lint(&Document { path, text, parsed: &parsed })
}

#[test]
fn every_fix_mends_what_ruff_found() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("ruff.toml"), "lint.select = [\"S\"]\n").unwrap();
    let path = folder.path().join("module.py");
    let ruff = Ruff::with_user_settings(None);
    for (code, text) in SAMPLES {
        let found: Vec<Finding> =
            lint(&ruff, &path, text).into_iter().filter(|finding| finding.code == *code).collect();
        assert!(!found.is_empty(), "ruff finds no {code} in {text}");
        let parsed = syntax::parse(text);
        let document = Document { path: &path, text, parsed: &parsed };
        let fixes = security_fixes(&document, code, found[0].range);
        assert!(!fixes.is_empty(), "{code}: no fix of {text}");
        for fix in fixes {
            let after = syntax::apply_edits(text, &fix.edits).unwrap();
            let left = lint(&ruff, &path, &after).iter().filter(|finding| finding.code == *code).count();
            assert_eq!(left, found.len() - 1, "{code}: {}\n{after}", fix.title);
        }
    }
}

/// One finding each that a fix takes away.
const SAMPLES: &[(&str, &str)] = &[
    ("S101", "def f(x):\n    assert x > 0, 'bad'\n"),
    ("S105", "password = 'hunter2'\n"),
    ("S105", "ok = password == 'hunter2'\n"),
    ("S105", "d['password'] = 'hunter2'\n"),
    ("S106", "connect(password='hunter2')\n"),
    ("S107", "def f(password='hunter2'): ...\n"),
    ("S108", "f = open('/tmp/name')\n"),
    ("S113", "import requests\nrequests.get(url)\n"),
    ("S113", "import requests\nrequests.post(url, data, timeout=None)\n"),
    ("S202", "import tarfile\ntarfile.open(name).extractall(path)\n"),
    ("S306", "import tempfile\nname = tempfile.mktemp('.txt')\n"),
    ("S307", "x = eval(line)\n"),
    ("S311", "import random\nx = random.randint(1, 6)\n"),
    ("S311", "import random\nx = ''.join(random.choice(letters) for _ in range(9))\n"),
    ("S311", "import random\nx = random.random()\n"),
    ("S323", "import ssl\nx = ssl._create_unverified_context()\n"),
    ("S324", "import hashlib\nx = hashlib.md5(data)\n"),
    ("S324", "from hashlib import sha1\nx = sha1()\n"),
    ("S324", "import hashlib\nx = hashlib.new('md5', data)\n"),
    ("S501", "import requests\nrequests.get(url, timeout=1, verify=False)\n"),
    ("S502", "import ssl\nssl.wrap_socket(s, ssl_version=ssl.PROTOCOL_SSLv3)\n"),
    ("S503", "import ssl\ndef f(v=ssl.PROTOCOL_SSLv3): ...\n"),
    ("S506", "import yaml\nx = yaml.load(f)\n"),
    ("S506", "from yaml import load, Loader\nx = load(f, Loader=Loader)\n"),
    ("S602", "import subprocess\nsubprocess.run('/bin/ls -l', shell=True)\n"),
    ("S605", "import os\nos.system('/bin/ls -l')\n"),
    ("S608", "import sqlite3\nc.execute(f\"SELECT a FROM t WHERE b = '{b}'\")\n"),
    ("S608", "import sqlite3\nc.execute('SELECT a FROM t WHERE b = %s' % b)\n"),
    ("S608", "import psycopg\nc.execute('SELECT a FROM t WHERE b = ' + str(b) + ' LIMIT 1')\n"),
    ("S608", "import psycopg\nc.execute('SELECT a FROM t WHERE b = {}'.format(b))\n"),
    ("S701", "from jinja2 import Environment\ne = Environment(loader=x)\n"),
    ("S701", "import jinja2\ne = jinja2.Environment(autoescape=False)\n"),
];
