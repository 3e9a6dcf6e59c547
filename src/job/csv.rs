//! A job's orders from a CSV file (RFC 4180): a line for each item, in columns named like the fields of `job.json`.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::sync::Arc;

use csv::{ErrorKind as CsvFault, ReaderBuilder, StringRecord};
use serde_json::{Map, Value};

use super::document::{BYTE_ORDER_MARK, MAX_FILE_BYTES, QUOTED_CHARS, from_value, shortened};
use super::read::{check_text, too_many_items};
use super::select::nearest;
use super::size::pair;
use super::{Item, Job, Order};
use crate::budget::PROCESS_BYTES;
use crate::error::{Error, ErrorKind, Result};

/// The columns, and where and how their cells are written in JSON.
const COLUMNS: [(&str, Cell); 25] = [
    ("order", Cell::Order("id", Form::Text)),
    ("priority", Cell::Order("priority", Form::Word)),
    ("due", Cell::Order("due", Form::Text)),
    ("fill_up", Cell::Order("fill_up", Form::Word)),
    ("artwork", Cell::Item(&["artwork"], Form::Text)),
    ("copies", Cell::Item(&["copies"], Form::Word)),
    ("turn", Cell::Item(&["turn"], Form::Word)),
    ("trim", Cell::Item(&["trim"], Form::Word)),
    ("mirror", Cell::Item(&["mirror"], Form::Word)),
    ("canvas", Cell::Item(&["canvas"], Form::Pair)),
    ("name", Cell::Item(&["name"], Form::Text)),
    ("width", Cell::Item(&["size", "width"], Form::Text)),
    ("height", Cell::Item(&["size", "height"], Form::Text)),
    ("longest", Cell::Item(&["size", "longest"], Form::Text)),
    ("fit", Cell::Item(&["size", "fit"], Form::Pair)),
    ("exact", Cell::Item(&["size", "exact"], Form::Pair)),
    ("dpi", Cell::Item(&["size", "dpi"], Form::Word)),
    ("metadata", Cell::Item(&["size", "metadata"], Form::Word)),
    ("kernel", Cell::Item(&["resample", "kernel"], Form::Text)),
    ("linear", Cell::Item(&["resample", "linear"], Form::Word)),
    ("knockout", Cell::Item(&["alpha", "knockout", "color"], Form::Text)),
    ("tolerance", Cell::Item(&["alpha", "knockout", "tolerance"], Form::Word)),
    ("min_alpha", Cell::Item(&["alpha", "min_alpha"], Form::Word)),
    ("harden", Cell::Item(&["alpha", "harden"], Form::Word)),
    // Programs end lines with a delimiter; what stands there has no meaning.
    ("", Cell::Nothing),
];

/// The id of the order where there is no such column.
const ONLY_ORDER: &str = "1";

/// The most bytes that a line of a file takes: an item in a list that has just grown, and where it stands.
const LINE_BYTES: u64 = 3 * (size_of::<Item>() + size_of::<u64>()) as u64;

/// The shortest line that is an item.
const SHORTEST_LINE_BYTES: u64 = 2;

/// Bytes of the file that are read at once; its first line is shorter.
const INPUT_BYTES: usize = 64 << 10;

/// What a cell says something of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cell {
    /// This field of the order.
    Order(&'static str, Form),
    /// The field of the item that this path of names leads to.
    Item(&'static [&'static str], Form),
    Nothing,
}

/// How a cell's text is written in JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Text,
    /// A number, `true` or `false`, else a text.
    Word,
    /// Two lengths with an x between them.
    Pair,
}

impl Form {
    fn json(self, text: &str) -> Value {
        match self {
            Self::Text => text.into(),
            Self::Word => match text.to_ascii_lowercase().as_str() {
                "true" => true.into(),
                "false" => false.into(),
                // Spreadsheets write whole numbers as 03, too.
                _ => match text.parse::<i64>() {
                    Ok(number) => number.into(),
                    Err(_) => text.parse().map_or_else(|_| text.into(), Value::Number),
                },
            },
            Self::Pair => pair(text).map_or_else(|| text.into(), |lengths| lengths.map(|length| length.to_string()).to_vec().into()),
        }
    }
}

impl Job {
    /// The job with the orders of a CSV text: one item a line, lines with the same `order` being one order. The first line names the
    /// columns: `artwork`, and any of `order`, `priority`, `due`, `fill_up`, `copies`, `turn`, `trim`, `mirror`, `canvas`, `name`, `kernel`,
    /// `linear`, `knockout`, `tolerance`, `min_alpha`, `harden`, and one of the rules for the size: `width`, `height`, `longest`, `fit`,
    /// `exact`, `dpi`, `metadata`. A cell says what the field of that name says in `job.json`; one that is empty says nothing. Two lengths
    /// are written `4in x 3in`. Columns are told apart by commas, semicolons or tabs, whichever the first line has most of.
    ///
    /// ```
    /// use gangsheet::{Dpi, Job, Media};
    ///
    /// let form = Job::new("Friday", Dpi::new(300)?, Media::new("22in".parse()?, "240in".parse()?), Vec::new());
    /// let job = form.with_csv(b"order,artwork,width,copies\n1001,art/fox.png,10in,3\n1001,art/logo.png,4in,\n")?;
    /// assert_eq!((job.orders.len(), job.copies()), (1, 4));
    /// # Ok::<(), gangsheet::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Document`] names the line and the column, what was found and what is expected.
    pub fn with_csv(self, csv: &[u8]) -> Result<Self> {
        self.with_lines(csv, u64::MAX)
    }

    /// The job [with the orders](Self::with_csv) of the CSV file at `path`, of at most 256 MiB, by a process that may take
    /// `memory_limit_bytes` in all.
    ///
    /// # Errors
    ///
    /// Those of [`with_csv`](Self::with_csv), [`ErrorKind::Io`] where the file cannot be read, and [`ErrorKind::MemoryLimit`] where it is so
    /// large that reading it may take more.
    pub fn with_csv_file(self, path: &Path, memory_limit_bytes: u64) -> Result<Self> {
        let read_error = |source| Error::io("read", path, source);
        let file = File::open(path).map_err(read_error)?;
        let length_bytes = file.metadata().map_err(read_error)?.len().min(MAX_FILE_BYTES + 1);
        let lines = (length_bytes / SHORTEST_LINE_BYTES).min(Self::MAX_ITEMS as u64);
        // Its texts, and a line that has just grown.
        let needed_bytes = PROCESS_BYTES + lines * LINE_BYTES + 3 * length_bytes;
        if needed_bytes > memory_limit_bytes {
            let what = format!("what {} says", path.display());
            return Err(ErrorKind::MemoryLimit { what, needed_bytes, limit_bytes: memory_limit_bytes }.into());
        }
        self.with_lines(file, MAX_FILE_BYTES).map_err(|error| match error.into_kind() {
            ErrorKind::Document { at, message, .. } => ErrorKind::Document { file: Some(path.to_owned()), at, message }.into(),
            ErrorKind::Io { source, .. } => read_error(source),
            kind => kind.into(),
        })
    }

    fn with_lines(self, csv: impl Read, limit_bytes: u64) -> Result<Self> {
        let mut input = BufReader::with_capacity(INPUT_BYTES, csv.take(limit_bytes.saturating_add(1)));
        let start = input.fill_buf().map_err(unreadable)?;
        let (mark, delimiter) = (start.starts_with(BYTE_ORDER_MARK), delimiter(start));
        input.consume(if mark { BYTE_ORDER_MARK.len() } else { 0 });
        let mut reader = ReaderBuilder::new().delimiter(delimiter).has_headers(false).trim(csv::Trim::All).from_reader(input);
        let mut lines = Lines::default();
        let mut columns = None;
        let mut record = StringRecord::new();
        while reader.read_record(&mut record).map_err(|error| unparsable(error, columns.as_deref()))? {
            let line = record.position().map_or(0, csv::Position::line);
            match &columns {
                None => columns = Some(read_columns(&record, line)?),
                Some(columns) => lines.add(&record, line, columns)?,
            }
        }
        if reader.get_ref().get_ref().limit() == 0 {
            return Err(wrong("", format!("the file is larger than {} MiB, the most that is read: split it", MAX_FILE_BYTES >> 20)));
        }
        let job = Self { orders: lines.orders, ..self };
        job.check().map_err(|error| at_line(error, &lines.numbers))?;
        Ok(job)
    }
}

/// The delimiter that the first line has most of outside quotes.
fn delimiter(start: &[u8]) -> u8 {
    let mut quoted = false;
    let mut counts = [(b',', 0), (b';', 0), (b'\t', 0)];
    for &byte in start.iter().take_while(|byte| **byte != b'\n') {
        quoted ^= byte == b'"';
        counts.iter_mut().filter(|(delimiter, _)| !quoted && *delimiter == byte).for_each(|(_, count)| *count += 1);
    }
    // The first of those that are as frequent.
    counts.iter().rev().max_by_key(|(_, count)| *count).map_or(b',', |(delimiter, _)| *delimiter)
}

/// What each column is for.
fn read_columns(record: &StringRecord, line: u64) -> Result<Vec<(&'static str, Cell)>> {
    let mut columns: Vec<(&'static str, Cell)> = Vec::new();
    for found in record {
        let name = found.to_lowercase();
        let Some(&column) = COLUMNS.iter().find(|(column, _)| *column == name) else {
            let names = || COLUMNS.iter().map(|(column, _)| *column).filter(|column| !column.is_empty());
            let advice = match nearest(&name, names()) {
                Some(column) => format!("expected a known one: did you mean {column:?}?"),
                None => format!("expected {}", names().collect::<Vec<_>>().join(", ")),
            };
            return Err(wrong(place(line, ""), format!("found the column {:?}, {advice}", shortened(found, QUOTED_CHARS))));
        };
        if columns.contains(&column) && column.1 != Cell::Nothing {
            return Err(wrong(place(line, column.0), "found this column twice, expected it once"));
        }
        columns.push(column);
    }
    if columns.iter().all(|(column, _)| *column != "artwork") {
        return Err(wrong(place(line, ""), "found no column \"artwork\", expected the columns' names in the first line"));
    }
    Ok(columns)
}

/// The orders of the lines so far.
#[derive(Default)]
struct Lines {
    orders: Vec<Order>,
    /// The line of each item of each order.
    numbers: Vec<Vec<u64>>,
    by_id: HashMap<Arc<str>, usize>,
    items: usize,
}

impl Lines {
    fn add(&mut self, record: &StringRecord, line: u64, columns: &[(&'static str, Cell)]) -> Result<()> {
        if record.iter().all(str::is_empty) {
            return Ok(());
        }
        self.items += 1;
        if self.items > Job::MAX_ITEMS {
            return Err(wrong(place(line, ""), too_many_items(self.items)));
        }
        let (order, says_more) = read_line(record, line, columns)?;
        let nth = *self.by_id.entry(Arc::clone(&order.id)).or_insert(self.orders.len());
        let Some(known) = self.orders.get_mut(nth) else {
            self.numbers.push(vec![line]);
            self.orders.push(order);
            return Ok(());
        };
        let facts = |order: &Order| (order.priority, order.due, order.fill_up);
        if says_more && facts(&order) != facts(known) {
            let first = self.numbers[nth][0];
            let message = format!("found another priority, due or fill_up of this order than in line {first}, expected the same or none");
            return Err(wrong(place(line, "order"), message));
        }
        known.items.extend(order.items);
        self.numbers[nth].push(line);
        Ok(())
    }
}

/// The order of one item that a line says, and whether it says more of the order than its id.
fn read_line(record: &StringRecord, line: u64, columns: &[(&'static str, Cell)]) -> Result<(Order, bool)> {
    let (mut order, mut item) = (Map::new(), Map::new());
    for (text, (column, cell)) in record.iter().zip(columns).filter(|(text, _)| !text.is_empty()) {
        check_text(text).map_err(|message| wrong(place(line, column), message))?;
        match *cell {
            Cell::Order(field, form) => insert(&mut order, &[field], form.json(text)),
            Cell::Item(path, form) => insert(&mut item, path, form.json(text)),
            Cell::Nothing => {
                let message =
                    format!("found {:?} in a column without a name, expected a name in the first line", shortened(text, QUOTED_CHARS));
                return Err(wrong(place(line, ""), message));
            }
        }
    }
    if !item.contains_key("artwork") {
        return Err(wrong(place(line, "artwork"), "found nothing, expected the path of an artwork"));
    }
    if !columns.iter().any(|(column, _)| *column == "order") {
        order.insert("id".to_owned(), ONLY_ORDER.into());
    } else if !order.contains_key("id") {
        return Err(wrong(place(line, "order"), "found nothing, expected the order's id"));
    }
    let says_more = order.len() > 1;
    order.insert("items".to_owned(), vec![Value::Object(item)].into());
    let order = from_value(order.into()).map_err(|(at, message)| wrong(place(line, column_of(&at)), message))?;
    Ok((order, says_more))
}

/// Puts a value where a path of names leads to from this object.
fn insert(object: &mut Map<String, Value>, path: &[&str], value: Value) {
    let Some((field, outer)) = path.split_last() else { return };
    let mut object = object;
    for name in outer {
        let Value::Object(inner) = object.entry(*name).or_insert_with(|| Map::new().into()) else { return };
        object = inner;
    }
    object.insert((*field).to_owned(), value);
}

/// The column of a place in an order of one item: `items[0].size.fit[1]` is in the column `fit`.
fn column_of(at: &str) -> &str {
    let inner = at.strip_prefix("items[0]").unwrap_or(at).trim_start_matches('.');
    let field = inner.split('[').next().unwrap_or(inner);
    let is_there = |cell: &Cell| match cell {
        Cell::Order(name, _) => *name == field,
        Cell::Item(path, _) => path.iter().copied().eq(field.split('.')),
        Cell::Nothing => false,
    };
    match COLUMNS.iter().find(|(_, cell)| is_there(cell)) {
        Some((column, _)) => column,
        // What several columns say together.
        None => field.rsplit('.').next().unwrap_or(field),
    }
}

/// Puts what is wrong with a checked job to the line of the item or of the first item of the order.
fn at_line(error: Error, numbers: &[Vec<u64>]) -> Error {
    match error.into_kind() {
        ErrorKind::Document { at, message, .. } => {
            let mut parts = at.splitn(3, ']').map(|part| part.rsplit_once('[').unwrap_or(("", part)).1);
            let mut index = || parts.next().and_then(|part| part.parse::<usize>().ok());
            let line = index().and_then(|order| numbers.get(order)).and_then(|items| items.get(index().unwrap_or(0)));
            match line {
                Some(&line) => wrong(place(line, column_of(at.rsplit("].").next().unwrap_or(""))), message),
                None => wrong(at, message),
            }
        }
        kind => kind.into(),
    }
}

fn place(line: u64, column: &str) -> String {
    if column.is_empty() { format!("line {line}") } else { format!("line {line}, column {column}") }
}

fn wrong(at: impl Into<String>, message: impl Into<String>) -> Error {
    ErrorKind::Document { file: None, at: at.into(), message: message.into() }.into()
}

fn unreadable(source: std::io::Error) -> Error {
    Error::io("read", Path::new(""), source)
}

fn unparsable(error: csv::Error, columns: Option<&[(&'static str, Cell)]>) -> Error {
    let line = error.position().map_or(0, csv::Position::line);
    match error.into_kind() {
        CsvFault::Io(source) => unreadable(source),
        CsvFault::Utf8 { err, .. } => {
            let column = columns.and_then(|columns| columns.get(err.field())).map_or("", |(column, _)| column);
            wrong(place(line, column), "found bytes that are no text, expected UTF-8: save it as “CSV UTF-8”")
        }
        CsvFault::UnequalLengths { expected_len, len, .. } => {
            wrong(place(line, ""), format!("found {len} cells, expected {expected_len}, as many as the first line has"))
        }
        _ => wrong(place(line, ""), "found what is no CSV, expected lines of cells"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geom::Dpi;
    use crate::job::{Media, Sizing, TurnPolicy};

    fn form() -> Job {
        Job::new("Test", Dpi::new(300).unwrap(), Media::new("22in".parse().unwrap(), "240in".parse().unwrap()), Vec::new())
    }

    fn read(csv: &str) -> Job {
        form().with_csv(csv.as_bytes()).unwrap()
    }

    /// The place and what is said of it.
    fn refusal(csv: &[u8]) -> String {
        let error = form().with_csv(csv).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Document { file: None, .. }), "{error:?}");
        error.to_string()
    }

    #[test]
    fn a_line_says_what_an_item_of_a_job_file_does() {
        let csv = "order,artwork,width,fit,exact,dpi,metadata,copies,turn,trim,mirror,canvas,name,priority,due,fill_up\n\
                   1001,art/fox.png,10in,,,,,3,90,TRUE,false,12x12in,\"Fox, \"\"adult\"\"\",2,2026-12-01,true\n\
                   1002,art/logo.png,,4in x 3in,,,,,none,,,,,,,\n\
                   1001,art/a.png,,,4x3cm,,,,,,,,,,,\n\
                   1002,art/b.png,,,,150,,,,,,,,,,\n\
                   1002,art/c.png,,,,,true,,,,,,,,,\n";
        let items = |json: &str| format!("[{json}]");
        let (first, second) = (
            items(
                r#"{"artwork": "art/fox.png", "size": {"width": "10in"}, "copies": 3, "turn": 90, "trim": true, "canvas": ["12in", "12in"], "name": "Fox, \"adult\""},
                   {"artwork": "art/a.png", "size": {"exact": ["4cm", "3cm"]}}"#,
            ),
            items(
                r#"{"artwork": "art/logo.png", "size": {"fit": ["4in", "3in"]}, "turn": "none"},
                   {"artwork": "art/b.png", "size": {"dpi": 150}}, {"artwork": "art/c.png", "size": {"metadata": true}}"#,
            ),
        );
        let json = format!(
            r#"{{"version": 1, "name": "Test", "dpi": 300, "media": {{"width": "22in", "max_length": "240in"}}, "orders": [
                {{"id": "1001", "priority": 2, "due": "2026-12-01", "fill_up": true, "items": {first}}}, {{"id": "1002", "items": {second}}}]}}"#
        );
        assert_eq!(read(csv), Job::from_json(json.as_bytes()).unwrap());
    }

    #[test]
    fn a_line_says_how_edges_are_printed() {
        let csv = "artwork,kernel,linear,knockout,tolerance,min_alpha,harden\n\
                   a.png,nearest,true,#ffffff,12,30,\n\
                   b.png,,,#000000,,,0.5\n\
                   c.png,,,,,,01\n";
        let json = r##"{"version": 1, "name": "Test", "dpi": 300, "media": {"width": "22in", "max_length": "240in"}, "orders": [{"id": "1", "items": [
            {"artwork": "a.png", "resample": {"kernel": "nearest", "linear": true},
             "alpha": {"knockout": {"color": "#ffffff", "tolerance": 12}, "min_alpha": 30}},
            {"artwork": "b.png", "alpha": {"knockout": "#000000", "harden": 0.5}},
            {"artwork": "c.png", "alpha": {"harden": 1}}]}]}"##;
        assert_eq!(read(csv), Job::from_json(json.as_bytes()).unwrap());
    }

    #[test]
    fn forms_that_programs_write_are_the_same_job() {
        let plain = read("order,artwork,width\n1,a.png,10in\n");
        for csv in [
            "\u{feff}order;artwork;width\r\n1;a.png;10in\r\n",
            "\"order\",\"artwork\",\"width\"\n\"1\",\"a.png\",\"10in\"",
            "Order\tArtwork\tWidth\n1\ta.png\t10in\n\n",
            " order , artwork , width \n 1 , a.png , 10in \n,,\n",
            "order;artwork;width;\n1;a.png;10in;\n;;;\n",
            "\"order\";artwork;width\n1;a.png;10in\n",
            "artwork,width\na.png,10in\n",
        ] {
            assert_eq!(read(csv), plain, "{csv:?}");
        }
        let named = read("artwork;name\n\"a;b.png\";\"two\u{a0}words, and more\"\n");
        assert_eq!((&*named.orders[0].items[0].artwork, named.orders[0].items[0].turn), ("a;b.png", TurnPolicy::Auto));
        assert!(form().with_csv("artwork,name\na.png,\"two\nlines\"\n".as_bytes()).is_err());
        let sizes =
            ["4x3in", "4inx3in", "4 in × 3 in", "4inX 3in"].map(|fit| read(&format!("artwork,fit\na.png,{fit}\n")).orders[0].items[0].size);
        assert!(sizes.iter().all(|size| *size == Some(Sizing::Fit("4in".parse().unwrap(), "3in".parse().unwrap()))), "{sizes:?}");
    }

    #[test]
    fn what_is_wrong_is_told_by_line_and_column() {
        for (csv, expected) in [
            ("", "found no order"),
            ("artwork\n", "found no order"),
            ("order,width\n1,10in\n", "line 1: found no column \"artwork\""),
            ("artwork,widht\na.png,10in\n", "line 1: found the column \"widht\", expected a known one: did you mean \"width\"?"),
            ("artwork,colour of the shirt\na.png,red\n", "line 1: found the column \"colour of the shirt\", expected order, priority,"),
            ("artwork,width,width\na.png,1in,2in\n", "line 1, column width: found this column twice"),
            ("artwork,\na.png,x\n", "line 2: found \"x\" in a column without a name"),
            ("artwork,width\na.png,10\n", "line 2, column width: found string \"10\", expected a length with its unit"),
            ("artwork,width\na.png,1in\nb.png,-1in\n", "line 3, column width: found string \"-1in\""),
            ("artwork,name,width\na.png,\"Fox, 2\",10\n", "line 2, column width"),
            ("artwork,fit\na.png,4in\n", "line 2, column fit: found string \"4in\""),
            ("artwork,copies\na.png,0\n", "line 2, column copies: found integer `0`, expected a whole number of copies from 1"),
            ("artwork,copies\na.png,1.5\n", "line 2, column copies: found floating point `1.5`"),
            ("artwork,copies\na.png,-2\n", "line 2, column copies: found integer `-2`"),
            ("artwork,copies\na.png,99999999999\n", "line 2, column copies: found integer `99999999999`"),
            ("artwork,turn\na.png,45\n", "line 2, column turn: found integer `45`"),
            ("artwork,trim\na.png,yes\n", "line 2, column trim: found string \"yes\""),
            ("artwork,harden\na.png,2\n", "line 2, column harden: found"),
            ("artwork,knockout\na.png,blue\n", "line 2, column knockout: found string \"blue\""),
            ("artwork,tolerance\na.png,9\n", "line 2, column knockout:"),
            ("artwork,min_alpha\na.png,256\n", "line 2, column min_alpha: found integer `256`, expected an alpha from 0 to 255"),
            ("artwork,kernel\na.png,sinc\n", "line 2, column kernel: found"),
            ("artwork,width,height\na.png,1in,2in\n", "line 2, column size: found both width and height"),
            ("artwork,width\n,1in\n", "line 2, column artwork: found nothing"),
            ("order,artwork\n,a.png\n", "line 2, column order: found nothing"),
            ("artwork,width\na.png\n", "line 2: found 1 cells, expected 2"),
            ("artwork,width\na.png,1in,3\n", "line 2: found 3 cells, expected 2"),
            ("artwork,width\na.png,1in\nb.png,0.001in\n", "line 3, column width: found \"0.001in\", no pixel at 300 DPI"),
            ("order,artwork,due\n1,a.png,2026-12-01\n1,b.png,2026-12-02\n", "line 3, column order: found another priority, due or fill_up"),
            ("order,artwork,due\n1,a.png,1.12.2026\n", "line 2, column due: found"),
        ] {
            let told = refusal(csv.as_bytes());
            assert!(told.starts_with(expected) || told.contains(expected) && !expected.starts_with("line"), "{csv:?}: {told}");
        }
        assert!(
            refusal(b"artwork,name\na.png,f\xfcchs\n").starts_with("line 2, column name: found bytes that are no text, expected UTF-8")
        );
        let items = "\na.png,1".repeat(1000);
        assert!(
            refusal(format!("artwork,copies{items}\na.png,9999001\n").as_bytes())
                .starts_with("line 1002, column copies: found 9999001 copies")
        );
    }

    #[test]
    fn large_files_are_refused_in_bounded_memory() {
        let lines = "a\n".repeat(1_000_000);
        assert!(refusal(format!("artwork\n{lines}").as_bytes()).starts_with("line 250002: found 250001 items so far"));
        let cell = "x".repeat(1 << 20);
        assert!(refusal(format!("artwork,name\na.png,{cell}\n").as_bytes()).starts_with("line 2, column name: found \"xxx"));
        assert!(refusal(format!("artwork,{cell}\n").as_bytes()).chars().count() < 400);
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), format!("artwork\n{lines}")).unwrap();
        let error = form().with_csv_file(file.path(), PROCESS_BYTES + (16 << 20)).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::MemoryLimit { .. }), "{error}");
        file.as_file().set_len(MAX_FILE_BYTES + 1).unwrap();
        let error = form().with_csv_file(file.path(), u64::MAX).unwrap_err().to_string();
        assert!(error.starts_with(&file.path().display().to_string()), "{error}");
    }
}
