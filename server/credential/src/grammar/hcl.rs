//! HCL, as Terraform has it: attributes, blocks with labels, text behind `<<EOF`.

use std::ops::Range;

use super::{Scan, Writing, json, lines, toml};
use crate::promises::promise;

pub(super) fn scan(scan: &mut Scan, range: Range<usize>) {
    let text = scan.text;
    // The labels of the blocks that are open: `variable "db_password" {`.
    let mut open: Vec<Option<&str>> = Vec::new();
    // A value that goes on up to a line with this mark.
    let mut heredoc: Option<(&str, &str, usize)> = None;
    let mut read_up_to = range.start;
    for line in lines(text, range.clone()) {
        if line.start < read_up_to {
            continue;
        }
        scan.work += line.len();
        let content = text[line.clone()].trim_start_matches([' ', '\t', '+', '-', '#', '/']).trim_end();
        if let Some((name, mark, start)) = heredoc {
            if content == mark {
                scan.offer(name, start..line.start, Writing::Quoted);
                heredoc = None;
            }
            continue;
        }
        if content == "}" {
            open.pop();
            continue;
        }
        let sign = content.find('=').filter(|&sign| !content[..sign].trim().contains(' '));
        let Some(sign) = sign else {
            if let Some(header) = content.strip_suffix('{') {
                open.push(header.split('"').rfind(|label| promise(label).is_some()));
            }
            continue;
        };
        let name = content[..sign].trim().trim_matches('"');
        let start = line.end - text[line.clone()].trim_start_matches([' ', '\t', '+', '-', '#', '/']).len();
        let behind = &text[start + sign + 1..line.end];
        let at = line.end - behind.trim_start().len();
        if let Some(mark) = behind.trim_start().strip_prefix("<<") {
            heredoc = Some((name, mark.trim_start_matches('-').trim(), (line.end + 1).min(range.end)));
            continue;
        }
        let block = open.iter().rev().flatten().next().copied().filter(|_| json::is_content(name));
        read_up_to = toml::value(scan, name, block, at, line.end, range.end);
    }
    if let Some((name, _, start)) = heredoc {
        // Cut off.
        scan.offer(name, start..range.end, Writing::Quoted);
    }
}

#[cfg(test)]
mod tests {
    use crate::grammar::Syntax;
    use crate::grammar::tests::check;

    #[test]
    fn attributes_blocks_and_text_of_several_lines() {
        for text in [
            "resource \"x\" \"y\" {\n  password = \"«hunter2»\"\n  name = \"a\"\n}\n",
            "variable \"db_password\" {\n  default = \"«hunter2»\"\n}\n",
            "password = <<EOF\n«hunter2»\nEOF\n",
            "password = var.password\n",
        ] {
            check(Syntax::Hcl, text);
        }
    }
}
