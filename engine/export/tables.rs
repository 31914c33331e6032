//! Tables as CSV (RFC 4180, UTF-8, a header line) or JSON lines.

use super::Tables;
use anyhow::Context;
use serde::Serialize;

/// How tables are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    Csv,
    JsonLines,
}

/// A file that is ready to be written.
pub struct TableFile {
    pub name: String,
    pub content: Vec<u8>,
    pub rows: usize,
}

/// The files of the tables.
pub fn files(tables: &Tables, form: Form) -> anyhow::Result<Vec<TableFile>> {
    Ok(vec![file("episodes", &tables.episodes, form)?, file("checks", &tables.checks, form)?])
}

fn file<T: Serialize>(name: &str, rows: &[T], form: Form) -> anyhow::Result<TableFile> {
    let (content, ending) = match form {
        Form::Csv => (csv(rows), "csv"),
        Form::JsonLines => (json_lines(rows), "jsonl"),
    };
    let content = content.with_context(|| format!("write the table of {name}"))?;
    Ok(TableFile { name: format!("{name}.{ending}"), content, rows: rows.len() })
}

fn csv<T: Serialize>(rows: &[T]) -> anyhow::Result<Vec<u8>> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    for row in rows {
        writer.serialize(row)?;
    }
    Ok(writer.into_inner().map_err(|error| error.into_error())?)
}

fn json_lines<T: Serialize>(rows: &[T]) -> anyhow::Result<Vec<u8>> {
    let mut out = Vec::new();
    for row in rows {
        serde_json::to_writer(&mut out, row)?;
        out.push(b'\n');
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Serialize)]
    struct Row {
        text: &'static str,
        number: Option<f64>,
        is: bool,
    }

    #[test]
    fn what_is_odd_is_quoted_and_what_is_missing_is_empty() {
        let rows = [
            Row { text: "a,\"b\"\nc", number: Some(0.1), is: true },
            Row { text: "", number: None, is: false },
        ];
        let text = String::from_utf8(csv(&rows).unwrap()).unwrap();
        assert_eq!(text, "text,number,is\n\"a,\"\"b\"\"\nc\",0.1,true\n,,false\n");
        let text = String::from_utf8(json_lines(&rows).unwrap()).unwrap();
        assert!(text.ends_with("{\"text\":\"\",\"number\":null,\"is\":false}\n"), "{text}");
    }
}
