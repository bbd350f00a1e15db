//! Workspaces and files that are larger or deeper than people make them.

use super::Project;

#[test]
fn a_workspace_of_very_many_files() {
    let project = Project::new(&[]);
    for number in 0..20_000 {
        project.write(&format!("m{number}.py"), "x=1\n");
    }
    let (status, stdout, stderr) = project.tantu(&["index"]);
    assert_eq!(status, 0, "{stderr}");
    let files = stdout.lines().find_map(|line| line.strip_prefix("files ")).unwrap_or_default();
    assert_eq!(files.chars().filter(char::is_ascii_digit).collect::<String>(), "20000", "{stdout}");
    project.says(&["check"], "0 findings in 20000 files\n", 0);
    project.says(&["graph"], "{}\n", 0);
    let (status, stdout, stderr) = project.tantu(&["graph", "--imports"]);
    assert_eq!(status, 0, "{stderr}");
    assert_eq!(stdout.lines().filter(|line| line.ends_with(": []") || line.ends_with(": [],")).count(), 20_000);
}

/// Each of these took gigabytes, minutes or the process with it.
#[test]
fn what_nests_too_deep_is_reported_with_its_place_and_a_way_out() {
    let nested = |open: &str, close: &str, levels: usize| format!("{}1{}", open.repeat(levels), close.repeat(levels));
    for text in [nested("(", ")", 500_000), nested("[", "", 1_000_000), nested("f'{", "}'", 200_000)] {
        let project =
            Project::new(&[("a.py", &format!("def f(): ...\n\n\nx = {text}\n\n\ndef g(): ...\n\n\nf()\ng()\n"))]);
        let expected = "a.py:4:1: error: more than 200 brackets in each other, which Python refuses; give the inner parts \
                        statements of their own [syntax-error]\n1 finding in 1 file\n";
        let (status, stdout, stderr) = project.tantu(&["check"]);
        assert_eq!((status, &*stdout), (1, expected), "{stderr}");
    }
    for text in [nested("-", "", 1_000_000), nested("", ".b", 1_000_000), nested("not ", "", 250_000)] {
        let project = Project::new(&[("a.py", &format!("x = {text}\n"))]);
        let expected = "a.py:1:1: error: an expression of more than 10000 parts in each other, which Python refuses; split it \
                        into several statements [syntax-error]\n1 finding in 1 file\n";
        let (status, stdout, stderr) = project.tantu(&["check"]);
        assert_eq!((status, &*stdout), (1, expected), "{stderr}");
    }
}
