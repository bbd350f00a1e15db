//! SQL that is built from values gets parameters instead.
//!
//! Only where every part that is filled in stands where SQL wants a value: after a comparison, in `VALUES (…)`, behind
//! `LIKE` or `LIMIT`. Names of tables and columns, parts of patterns and lists of unknown length are left to a person.

mod execution;
mod values;

use syntax::ast::{
    ConversionFlag, Expr, ExprBinOp, ExprCall, ExprFString, FStringPart, InterpolatedStringElement, Operator,
    StringFlags, StringLiteral,
};
use syntax::{Ranged, TextEdit, TextRange, TextSize};

use super::site::{Site, fix, is_plain};
use crate::{Applicability, Fix};
use values::{HOLE, holes};

/// A part of the SQL as it is written in the source.
enum Piece {
    /// The inside of a literal, or a part of it.
    Text(TextRange, Escapes),
    /// What is replaced by a placeholder, the expression whose value it was, and what else must be written there.
    Hole { range: TextRange, value: String, suffix: &'static str },
}

struct Statement {
    pieces: Vec<Piece>,
    /// Beside the placeholders: prefixes, operators and arguments that go.
    edits: Vec<TextEdit>,
}

/// How the source writes one brace or one per cent sign.
#[derive(Clone, Copy, PartialEq)]
enum Escapes {
    None,
    /// `{{` is `{`.
    Braces,
    /// `%%` is `%`.
    Percent,
}

pub(super) fn parameters(site: &Site) -> Option<Fix> {
    let placeholder = placeholder(site)?;
    let (query, call) = execution::of_text(site).or_else(|| execution::of_variable(site))?;
    if !call.arguments.keywords.is_empty()
        || !is_plain(&call.arguments)
        || query.range().intersect(site.range).is_none()
    {
        return None;
    }
    let Statement { pieces, mut edits } = match query {
        Expr::FString(literal) => formatted(site, literal)?,
        Expr::BinOp(operation) if operation.op == Operator::Mod => percent(site, operation)?,
        Expr::BinOp(operation) if operation.op == Operator::Add => added(site, operation)?,
        Expr::Call(format) => format_call(site, format)?,
        _ => return None,
    };
    let sql = written(site, &pieces)?;
    let quoted = holes(&sql)?;
    let mut values = Vec::new();
    for piece in &pieces {
        match piece {
            Piece::Text(range, escapes) => {
                edits.extend(escaped(site.text(*range), range.start(), *escapes, placeholder));
            }
            Piece::Hole { range, value, suffix } => {
                // The quotes around a placeholder go: the driver knows what is a string.
                let quotes = TextSize::new(u32::from(*quoted.get(values.len())?));
                let range = TextRange::new(range.start() - quotes, range.end() + quotes);
                let range = if suffix.is_empty() { range } else { TextRange::new(range.start(), range.end() - quotes) };
                if quotes > TextSize::new(0) && !suffix.is_empty() {
                    return None;
                }
                edits.push(TextEdit::replace(range, format!("{placeholder}{suffix}")));
                values.push(value.clone());
            }
        }
    }
    let tuple = match values.as_slice() {
        [] => return None,
        [value] => format!("({value},)"),
        values => format!("({})", values.join(", ")),
    };
    edits.push(site.add_argument(&call.arguments, &tuple)?);
    fix("Pass the values as parameters", Applicability::Unsafe, edits)
}

/// How the driver that the module imports writes a parameter; `None` where that is not one way.
fn placeholder(site: &Site) -> Option<&'static str> {
    const QUESTION_MARK: &[&str] = &["sqlite3", "aiosqlite", "apsw", "duckdb", "pyodbc", "pysqlite3"];
    const PERCENT: &[&str] = &[
        "psycopg",
        "psycopg2",
        "MySQLdb",
        "pymysql",
        "aiomysql",
        "mysql",
        "mariadb",
        "django",
        "pymssql",
        "redshift_connector",
        "snowflake",
    ];
    /// Named or numbered parameters, or statements that are not text.
    const OTHERS: &[&str] = &["sqlalchemy", "asyncpg", "cx_Oracle", "oracledb", "pg8000"];
    let uses = |modules: &[&str]| modules.iter().any(|module| site.imports.uses(module));
    match (uses(QUESTION_MARK), uses(PERCENT), uses(OTHERS)) {
        (true, false, false) => Some("?"),
        (false, true, false) => Some("%s"),
        _ => None,
    }
}

/// `f"… {x}"`, and literals beside it.
fn formatted(site: &Site, literal: &ExprFString) -> Option<Statement> {
    let mut statement = Statement { pieces: Vec::new(), edits: Vec::new() };
    for part in literal.value.iter() {
        let part = match part {
            FStringPart::FString(part) => part,
            FStringPart::Literal(part) => {
                statement.pieces.push(Piece::Text(part.content_range(), Escapes::None));
                continue;
            }
        };
        let prefix = TextRange::new(part.start(), part.start() + TextSize::of(prefix(site.text(part.range()))));
        let f = site.text(prefix).find(['f', 'F'])?;
        let f = TextRange::at(prefix.start() + TextSize::new(f as u32), TextSize::new(1));
        statement.edits.push(TextEdit::replace(f, ""));
        for element in &part.elements {
            match element {
                InterpolatedStringElement::Literal(text) => {
                    statement.pieces.push(Piece::Text(text.range(), Escapes::Braces))
                }
                InterpolatedStringElement::Interpolation(hole) => {
                    let is_plain = hole.conversion == ConversionFlag::None
                        && hole.format_spec.is_none()
                        && hole.debug_text.is_none();
                    if !is_plain || site.has_comment(hole.range()) {
                        return None;
                    }
                    let value = value(site, &hole.expression)?;
                    statement.pieces.push(Piece::Hole { range: hole.range(), value, suffix: "" });
                }
            }
        }
    }
    Some(statement)
}

/// `"… %s" % x`.
fn percent(site: &Site, operation: &ExprBinOp) -> Option<Statement> {
    let arguments: Vec<&Expr> = match &*operation.right {
        Expr::Tuple(tuple) => tuple.elts.iter().collect(),
        Expr::Dict(_) => return None,
        single => vec![single],
    };
    let pieces = filled(site, &operation.left, &arguments, Escapes::Percent, |rest| {
        let after = rest.strip_prefix('%')?;
        if after.starts_with('%') {
            return Some(Field::Escape);
        }
        after.starts_with(['s', 'd', 'i']).then_some(Field::Next(2))
    })?;
    statement_of_literal(site, &operation.left, operation.range(), pieces)
}

/// `"… {}".format(x)`.
fn format_call(site: &Site, call: &ExprCall) -> Option<Statement> {
    let function = call.func.as_attribute_expr().filter(|function| function.attr.as_str() == "format")?;
    if !is_plain(&call.arguments) {
        return None;
    }
    let names: Vec<&str> =
        call.arguments.keywords.iter().filter_map(|keyword| keyword.arg.as_ref()).map(|name| name.as_str()).collect();
    let positional = call.arguments.args.len();
    let arguments: Vec<&Expr> =
        call.arguments.args.iter().chain(call.arguments.keywords.iter().map(|keyword| &keyword.value)).collect();
    let pieces = filled(site, &function.value, &arguments, Escapes::Braces, |rest| {
        if rest.starts_with("{{") || rest.starts_with("}}") {
            return Some(Field::Escape);
        }
        let (field, _) = rest.strip_prefix('{')?.split_once('}')?;
        let length = field.len() + 2;
        if field.is_empty() {
            Some(Field::Next(length))
        } else if let Ok(index) = field.parse::<usize>() {
            (index < positional).then_some(Field::Indexed(length, index))
        } else {
            let index = names.iter().position(|name| *name == field)?;
            Some(Field::Indexed(length, positional + index))
        }
    })?;
    statement_of_literal(site, &function.value, call.range(), pieces)
}

/// What a field of a template is filled with; lengths in bytes.
enum Field {
    Escape,
    Next(usize),
    Indexed(usize, usize),
}

/// The pieces of a template. Every field must be of a simple form and every argument be used.
fn filled(
    site: &Site,
    template: &Expr,
    arguments: &[&Expr],
    escapes: Escapes,
    field: impl Fn(&str) -> Option<Field>,
) -> Option<Vec<Piece>> {
    let mut used = vec![false; arguments.len()];
    let mut next = 0;
    let mut pieces = Vec::new();
    for literal in template.as_string_literal_expr()?.value.iter() {
        let content = literal.content_range();
        let source = site.text(content);
        let (mut at, mut start) = (0, 0);
        while let Some(rest) = source.get(at..).filter(|rest| !rest.is_empty()) {
            let begins = match escapes {
                Escapes::Percent => rest.starts_with('%'),
                _ => rest.starts_with(['{', '}']),
            };
            if !begins {
                at += rest.chars().next().map_or(1, char::len_utf8);
                continue;
            }
            let (length, index) = match field(rest)? {
                Field::Escape => {
                    at += 2;
                    continue;
                }
                Field::Next(length) => {
                    next += 1;
                    (length, next - 1)
                }
                Field::Indexed(length, index) => (length, index),
            };
            *used.get_mut(index)? = true;
            let place = |offset: usize| content.start() + TextSize::new(offset as u32);
            pieces.push(Piece::Text(TextRange::new(place(start), place(at)), escapes));
            let range = TextRange::new(place(at), place(at + length));
            pieces.push(Piece::Hole { range, value: value(site, arguments.get(index)?)?, suffix: "" });
            at += length;
            start = at;
        }
        let rest = TextRange::new(content.start() + TextSize::new(start as u32), content.end());
        pieces.push(Piece::Text(rest, escapes));
    }
    used.iter().all(|used| *used).then_some(pieces)
}

/// The statement of a template whose arguments follow it.
fn statement_of_literal(site: &Site, template: &Expr, whole: TextRange, pieces: Vec<Piece>) -> Option<Statement> {
    let arguments = TextRange::new(template.end(), whole.end());
    // `("…" "…") % x`: the parenthesis would lose its other half.
    if template.start() != whole.start()
        || site.text(arguments).trim_start().starts_with(')')
        || site.has_comment(arguments)
    {
        return None;
    }
    Some(Statement { pieces, edits: vec![TextEdit::replace(arguments, "")] })
}

/// `"… " + x + " …"`, all literals with the same quotes.
fn added(site: &Site, operation: &ExprBinOp) -> Option<Statement> {
    fn operands<'a>(expr: &'a Expr, into: &mut Vec<&'a Expr>) {
        match expr {
            Expr::BinOp(operation) if operation.op == Operator::Add => {
                operands(&operation.left, into);
                into.push(&operation.right);
            }
            other => into.push(other),
        }
    }
    let mut parts = Vec::new();
    operands(&operation.left, &mut parts);
    parts.push(&operation.right);
    let text = |expr: &'_ Expr| -> Option<StringLiteral> {
        expr.as_string_literal_expr().and_then(|literal| literal.as_single_part_string()).cloned()
    };
    let first = text(parts.first()?)?;
    let closing = TextSize::new(if first.flags.is_triple_quoted() { 3 } else { 1 });
    let mut pieces = vec![Piece::Text(first.content_range(), Escapes::None)];
    let mut end = first.content_range().end();
    let mut rest = parts.iter().skip(1).peekable();
    while let Some(part) = rest.next() {
        // A value between two literals, or at the end.
        let value = value(site, part).filter(|_| !part.is_string_literal_expr())?;
        let quotes = &site.document.text[end.to_usize()..(end + closing).to_usize()];
        match rest.next() {
            Some(next) => {
                let next = text(next)?;
                if next.flags.quote_style() != first.flags.quote_style()
                    || next.flags.is_triple_quoted() != first.flags.is_triple_quoted()
                    || next.flags.prefix() != first.flags.prefix()
                {
                    return None;
                }
                let range = TextRange::new(end, next.content_range().start());
                pieces.push(Piece::Hole { range, value, suffix: "" });
                pieces.push(Piece::Text(next.content_range(), Escapes::None));
                end = next.content_range().end();
                if site.has_comment(range) || (rest.peek().is_none() && end + closing != operation.end()) {
                    return None;
                }
            }
            None => {
                let range = TextRange::new(end, part.end());
                let suffix = ["\"\"\"", "'''", "\"", "'"].into_iter().find(|known| *known == quotes)?;
                if site.has_comment(range) || part.end() != operation.end() {
                    return None;
                }
                pieces.push(Piece::Hole { range, value, suffix });
            }
        }
    }
    Some(Statement { pieces, edits: Vec::new() })
}

/// The source of a value as an element of a tuple. `str(x)` is `x`: a driver takes any type.
fn value(site: &Site, expr: &Expr) -> Option<String> {
    let expr = match expr {
        Expr::Call(call)
            if site.imports.full_name(&call.func).as_deref() == Some("str") && call.arguments.len() == 1 =>
        {
            call.arguments.args.first()?
        }
        expr => expr,
    };
    let text = site.text(expr.range());
    match expr {
        Expr::Name(_) | Expr::Attribute(_) | Expr::Subscript(_) | Expr::Call(_) | Expr::NumberLiteral(_) => {
            (!text.contains(['\n', '\r'])).then(|| text.to_owned())
        }
        _ => None,
    }
}

/// The SQL with [`HOLE`]s for values. `None` where escapes of the source hide what it says.
fn written(site: &Site, pieces: &[Piece]) -> Option<String> {
    let mut sql = String::new();
    for piece in pieces {
        match piece {
            Piece::Text(range, _) => sql.push_str(site.text(*range)),
            Piece::Hole { .. } => sql.push(HOLE),
        }
    }
    let sql = sql.replace("\\n", "  ").replace("\\t", "  ").replace("\\\n", " ");
    let is_unclear = sql.contains('\\') || sql.contains("--") || sql.contains("/*") || sql.contains('?');
    (!is_unclear).then_some(sql)
}

/// Undoes what the old form escaped and does what the placeholder wants.
fn escaped(source: &str, start: TextSize, escapes: Escapes, placeholder: &str) -> Vec<TextEdit> {
    let mut edits = Vec::new();
    let range = |at: usize, length: u32| TextRange::at(start + TextSize::new(at as u32), TextSize::new(length));
    let wants_double = placeholder == "%s";
    let mut characters = source.char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        let is_pair = characters.peek().is_some_and(|(_, next)| *next == character);
        match character {
            '{' | '}' if escapes == Escapes::Braces && is_pair => {
                characters.next();
                edits.push(TextEdit::replace(range(at, 1), ""));
            }
            '%' if escapes == Escapes::Percent && is_pair => {
                characters.next();
                if !wants_double {
                    edits.push(TextEdit::replace(range(at, 1), ""));
                }
            }
            '%' if wants_double => edits.push(TextEdit::insert(range(at, 0).start(), "%")),
            _ => {}
        }
    }
    edits
}

/// The letters before the quotes.
fn prefix(literal: &str) -> &str {
    literal.split(['"', '\'']).next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use crate::security::testing::{check, refused};

    fn sqlite(before: &str, after: &str) {
        let module = |query: &str| format!("import sqlite3\nc.execute({query})\n");
        let marked = before.replace(before.trim(), &format!("$0{}$0", before.trim()));
        check("S608", &module(&marked), &module(after));
    }

    fn psycopg(before: &str, after: &str) {
        let module = |query: &str| format!("import psycopg2\nc.execute({query})\n");
        check("S608", &module(&format!("$0{before}$0")), &module(after));
    }

    #[test]
    fn f_strings() {
        sqlite(
            "f\"SELECT * FROM t WHERE a = {x} AND b = '{self.y}'\"",
            "\"SELECT * FROM t WHERE a = ? AND b = ?\", (x, self.y)",
        );
        sqlite("f'SELECT a FROM t LIMIT {n}'", "'SELECT a FROM t LIMIT ?', (n,)");
        psycopg(
            "f\"INSERT INTO t (a, b) VALUES ({a}, {b['k']})\"",
            "\"INSERT INTO t (a, b) VALUES (%s, %s)\", (a, b['k'])",
        );
        psycopg(
            "f\"SELECT a FROM t WHERE b LIKE '50%' AND c = {c}\"",
            "\"SELECT a FROM t WHERE b LIKE '50%%' AND c = %s\", (c,)",
        );
        sqlite(
            "f\"\"\"\n    SELECT a\n    FROM t\n    WHERE b = {b}\n\"\"\"",
            "\"\"\"\n    SELECT a\n    FROM t\n    WHERE b = ?\n\"\"\", (b,)",
        );
        sqlite("(\"SELECT '{}' \" f\"FROM t WHERE a = {a}\")", "(\"SELECT '{}' \" \"FROM t WHERE a = ?\"), (a,)");
        sqlite(
            "\n    f\"SELECT a FROM t \"\n    f\"WHERE b = {b} AND j = '{{}}'\"\n",
            "\n    \"SELECT a FROM t \"\n    \"WHERE b = ? AND j = '{}'\", (b,)\n",
        );
    }

    #[test]
    fn other_ways_to_build() {
        sqlite(
            "\"SELECT a FROM t WHERE b = '%s' AND c = %d\" % (b, c)",
            "\"SELECT a FROM t WHERE b = ? AND c = ?\", (b, c)",
        );
        psycopg("\"SELECT a FROM t WHERE b = %s\" % b", "\"SELECT a FROM t WHERE b = %s\", (b,)");
        psycopg(
            "'SELECT a FROM t WHERE b = {} AND c = {k}'.format(b, k=c)",
            "'SELECT a FROM t WHERE b = %s AND c = %s', (b, c)",
        );
        sqlite("\"SELECT a FROM t WHERE b = \" + str(b)", "\"SELECT a FROM t WHERE b = ?\", (b,)");
        sqlite(
            "\"SELECT a FROM t WHERE b = '\" + b + \"' AND c = 1\"",
            "\"SELECT a FROM t WHERE b = ? AND c = 1\", (b,)",
        );
    }

    #[test]
    fn other_drivers_and_line_ends() {
        check(
            "S608",
            "from django.db import connection\r\nwith connection.cursor() as c:\r\n    c.execute($0f'DELETE FROM t WHERE a = {a}'$0)  # gone\r\n",
            "from django.db import connection\r\nwith connection.cursor() as c:\r\n    c.execute('DELETE FROM t WHERE a = %s', (a,))  # gone\r\n",
        );
        refused("S608", "c.execute($0f'DELETE FROM t WHERE a = {a}'$0)\n");
        refused("S608", "import sqlalchemy\nc.execute($0f'DELETE FROM t WHERE a = {a}'$0)\n");
        refused("S608", "import sqlite3, psycopg\nc.execute($0f'DELETE FROM t WHERE a = {a}'$0)\n");
    }

    #[test]
    fn a_statement_in_a_variable() {
        check(
            "S608",
            "import sqlite3\ndef f(a):\n    q = $0f'SELECT x FROM t WHERE a = {a}'$0\n    return c.execute(q).fetchone()\n",
            "import sqlite3\ndef f(a):\n    q = 'SELECT x FROM t WHERE a = ?'\n    return c.execute(q, (a,)).fetchone()\n",
        );
        check(
            "S608",
            "import psycopg\nq = $0'SELECT x FROM t WHERE a = %s' % a$0\nwith d.cursor() as c:\n    c.execute(q)\n",
            "import psycopg\nq = 'SELECT x FROM t WHERE a = %s'\nwith d.cursor() as c:\n    c.execute(q, (a,))\n",
        );
        // Used twice; not the next statement; with parameters already; changed on the way.
        for rest in
            ["print(q)\nc.execute(q)", "a = 1\nc.execute(q)", "c.execute(q, b)", "q += ' LIMIT 1'\nc.execute(q)"]
        {
            refused("S608", &format!("import sqlite3\nq = $0f'SELECT x FROM t WHERE a = {{a}}'$0\n{rest}\n"));
        }
    }

    #[test]
    fn sql_identifiers_are_left_unparametrized() {
        for query in [
            "f'SELECT * FROM {table}'",
            "f'SELECT {column} FROM t WHERE a = {a}'",
            "f\"SELECT a FROM t WHERE b LIKE '%{b}%'\"",
            "f'SELECT a FROM t WHERE b IN ({ids})'",
            "f'SELECT a FROM t ORDER BY {key}'",
            "f'SELECT a FROM t WHERE {condition}'",
            "f'INSERT INTO t ({a}, {b}) VALUES (1, 2)'",
            "f'SELECT a FROM t WHERE b = {b!r}'",
            "f'SELECT a FROM t WHERE b = {b:>3}'",
            "f'SELECT a FROM t WHERE b = {b}_x'",
            "f'SELECT a FROM t -- {b}'",
            "'SELECT a FROM t WHERE b = %(b)s' % {'b': b}",
            "'SELECT a FROM t WHERE b = %5d' % b",
            "'SELECT a FROM t WHERE b = ' + b + c",
            "a + ' WHERE b = ' + b",
            "'SELECT a FROM t WHERE b = {0.x}'.format(b)",
            "'SELECT a FROM t WHERE b = {}'.format(*b)",
            "f'SELECT a FROM t WHERE b = {b}', (c,)",
        ] {
            let marked = format!(
                "$0{}$0{}",
                query.trim_end_matches(", (c,)"),
                if query.ends_with(", (c,)") { ", (c,)" } else { "" }
            );
            refused("S608", &format!("import sqlite3\nc.execute({marked})\n"));
        }
    }
}
