//! Fixtures say what is found: `#! os.system called`.

use crate::testing::host;
use crate::{ExternalUseKind, Externals};

const NAMES: &[&str] = &[
    "eval",
    "os.system",
    "os.popen",
    "code.*",
    "zipfile.ZipFile().extractall",
    "sys.modules",
    "__import__",
    "subprocess.run",
];

/// Every line's comment says what is called, handed on, mentioned (where nothing else is said of the name on that line) or
/// computed there.
#[track_caller]
fn check(text: &str) {
    let text = format!("#- /a.py\n{text}");
    let host = host(&text);
    let analysis = host.analysis();
    let externals = Externals::new(NAMES.iter().map(|&name| name.to_owned()), ["__subclasses__"]);
    let files: Vec<_> = analysis.files().collect();
    let found = analysis.external_uses(&externals, &files);
    let mut drawn = String::new();
    for file in files {
        let source = analysis.source(file);
        for (index, line) in source.text().lines().enumerate() {
            let (code, _) = line.split_once("  #! ").unwrap_or((line, ""));
            let here = |kind: ExternalUseKind| {
                let number = index as u32 + 1;
                let mut uses = found.uses.iter().filter(|it| it.file == file && it.kind == kind).collect::<Vec<_>>();
                uses.retain(|it| source.line_number(it.range.start()) == number);
                uses.into_iter().map(|it| it.name.clone()).collect::<std::collections::BTreeSet<_>>()
            };
            let called = here(ExternalUseKind::Called);
            let mut mentioned = here(ExternalUseKind::Mentioned);
            let handed = here(ExternalUseKind::HandedOn);
            mentioned.retain(|name| !called.contains(name) && !handed.contains(name));
            let mut all: Vec<String> = Vec::new();
            all.extend(called.iter().map(|it| format!("{it} called")));
            all.extend(handed.iter().map(|it| format!("{it} handed on")));
            all.extend(mentioned.iter().map(|it| format!("{it} mentioned")));
            all.extend(here(ExternalUseKind::Computed).iter().map(|it| format!("{it} computed")));
            drawn.push_str(code);
            if !all.is_empty() {
                drawn.push_str(&format!("  #! {}", all.join(", ")));
            }
            drawn.push('\n');
        }
    }
    let expected: String =
        text.lines().filter(|line| !line.starts_with("#- ")).map(|line| format!("{line}\n")).collect();
    assert_eq!(drawn, expected);
}

#[test]
fn names_are_followed_through_values() {
    check(
        "\
import os
from os import system as s  #! os.system mentioned
eval('1')  #! eval called
e = eval  #! eval mentioned
e('1')  #! eval called
[eval][0]('1')  #! eval called
{'x': eval}['x']('1')  #! eval called
list(map(eval, ['1']))  #! eval called
s('ls')  #! os.system called
for f in (eval,):  #! eval mentioned
    f('1')  #! eval called
(g := eval)('1')  #! eval called
first, *rest = [print, eval]  #! eval mentioned
rest[0]('1')  #! eval called
def give():
    return eval  #! eval mentioned
give()('1')  #! eval called
class Holder:
    run = staticmethod(eval)  #! eval mentioned
Holder.run('1')  #! eval called
Holder().run('1')  #! eval called
def use(f=os.system):  #! os.system mentioned
    f('ls')  #! os.system called
(lambda h: h('1'))(eval)  #! eval called
import functools, threading
functools.partial(eval, '1')()  #! eval called
threading.Thread(target=os.system).start()  #! os.system called
eval.__call__('1')  #! eval called
sorted(['1'], key=eval)  #! eval called
@eval  #! eval called
def decorated(): ...
",
    );
}

#[test]
fn members_by_name_are_looked_up() {
    check(
        "\
import builtins, os, sys, operator, importlib, logging
getattr(builtins, 'ev' + 'al')('1')  #! eval called
getattr(os, 'sys' 'tem')('ls')  #! os.system called
getattr(os, ''.join(['sys', 'tem']))('ls')  #! os.system called
getattr(os, chr(115) + 'ystem')('ls')  #! os.system called
getattr(os, 'metsys'[::-1])('ls')  #! os.system called
getattr(os, f'{\"sys\"}tem')('ls')  #! os.system called
getattr(os, 'sysxtem'.replace('x', ''))('ls')  #! os.system called
vars(os)['system']('ls')  #! os.system called
os.__dict__['system']('ls')  #! os.system called
sys.modules['os'].system('ls')  #! os.system called, sys.modules mentioned
sys.modules.get('os').system('ls')  #! os.system called, sys.modules mentioned
importlib.import_module('os').system('ls')  #! os.system called
__import__('o' + 's').system('ls')  #! __import__ called, os.system called
logging.os.system('ls')  #! os.system called
globals()['__builtins__']['eval']('1')  #! eval called
__builtins__.eval('1')  #! eval called
print.__self__.eval('1')  #! eval called
operator.methodcaller('system', 'ls')(os)  #! os.system called
operator.attrgetter('system')(os)('ls')  #! os.system called
().__class__.__base__.__subclasses__()  #! __subclasses__ mentioned
def g(name, m=os):
    getattr(os, name)  #! os computed
    getattr(m, name)  #! os computed
    getattr(name, name)
    globals()[name]  #! a computed
    sys.modules[name]  #! sys.modules mentioned, sys.modules computed
    sys.modules[__name__]  #! sys.modules mentioned
    name(os)  #! os computed
    name([eval])  #! eval handed on
",
    );
}

#[test]
fn instances_and_whole_modules() {
    check(
        "\
import code, zipfile
code.InteractiveInterpreter().runsource('1')  #! code.InteractiveInterpreter called, code.InteractiveInterpreter().runsource called
with zipfile.ZipFile('x') as z:
    z.extractall()  #! zipfile.ZipFile().extractall called
    z.namelist()
zipfile.ZipFile('x').extractall()  #! zipfile.ZipFile().extractall called
",
    );
}

#[test]
fn other_modules_pass_them_on() {
    check(
        "\
from tools import run, Tool  #! eval mentioned
run('1')  #! eval called
Tool().field('ls')  #! os.system called
#- /tools.py
import os
run = eval  #! eval mentioned
class Tool:
    def __init__(self):
        self.field = os.system  #! os.system mentioned
",
    );
}

#[test]
fn what_is_crowded_out_elsewhere_stays() {
    let many: String = (0..40).map(|n| format!("def f{n}(): ...\n")).collect();
    let filled: String = (0..40).map(|n| format!("table.append(f{n})\n")).collect();
    check(&format!(
        "{many}table = []\n{filled}table.append(eval)  #! eval mentioned\nfor f in table:  #! eval mentioned\n    f('1')  #! eval called\n"
    ));
}
