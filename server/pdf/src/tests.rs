use super::*;

/// A file of these objects, numbered from 1 on; the first is the catalogue.
fn file(objects: &[String]) -> Vec<u8> {
    let mut file = "%PDF-1.4\n".to_owned();
    for (number, object) in objects.iter().enumerate() {
        file += &format!("{} 0 obj\n{object}\nendobj\n", number + 1);
    }
    (file + "trailer\n<< /Root 1 0 R >>\n%%EOF\n").into_bytes()
}

fn stream(dictionary: &str, content: &str) -> String {
    format!("<< {dictionary} /Length {} >>\nstream\n{content}\nendstream", content.len())
}

/// A file with one page for each content.
fn document(contents: &[&str]) -> Vec<u8> {
    let kids: String = (0..contents.len()).map(|n| format!("{} 0 R ", 5 + 2 * n)).collect();
    let mut objects = vec![
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        format!("<< /Type /Pages /Kids [{kids}] /Resources << /Font << /F1 3 0 R /F2 4 0 R >> >> >>"),
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding << /Differences [1 /fi /uni20AC] >> >>"
            .to_owned(),
        "<< /Type /Font /Subtype /Type0 /DescendantFonts [<< /DW 600 >>] >>".to_owned(),
    ];
    for (n, content) in contents.iter().enumerate() {
        objects.push(format!("<< /Type /Page /Parent 2 0 R /Contents {} 0 R >>", 6 + 2 * n));
        objects.push(stream("", content));
    }
    file(&objects)
}

fn read(bytes: &[u8]) -> Result<String, Error> {
    text(bytes, 1 << 20)
}

#[test]
fn lines_words_and_pages() {
    let first = "BT /F1 10 Tf 72 700 Td (Amounts are) Tj 0 -12 Td [(ro) -20 (unded) -300 (half\\040up.)] TJ \
                 0 -40 Td (\\001nal \\002) Tj T* ET";
    let second = "q 1 0 0 1 0 50 cm BT /F1 10 Tf 14 TL 1 0 0 1 72 600 Tm (One) Tj (two) ' ET Q";
    let expected = "Amounts are\nrounded half up.\n\nfinal €\n\nOne\ntwo";
    assert_eq!(read(&document(&[first, second])).unwrap(), expected);
    assert_eq!(text(&document(&[first, second]), 8).unwrap(), "Amounts");
}

#[test]
fn fonts_that_tell_unicode() {
    let table = "1 begincodespacerange <0000> <ffff> endcodespacerange 1 beginbfchar <0001> <00480061> endbfchar \
                 2 beginbfrange <0002> <0003> <006c> <0010> <0011> [<006f> <D83DDE00>] endbfrange";
    let mut objects = vec![
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        "<< /Kids [3 0 R] >>".to_owned(),
        "<< /Type /Page /Parent 2 0 R /Resources << /Font << /F 4 0 R >> >> /Contents [5 0 R] >>".to_owned(),
        "<< /Subtype /Type0 /ToUnicode 6 0 R /DescendantFonts [<< /W [1 [900 300 300] 16 17 500] >>] >>".to_owned(),
        stream("", "BT /F 10 Tf <00010002001000110099> Tj ET"),
        stream("", table),
    ];
    assert_eq!(read(&file(&objects)).unwrap(), "Halo😀");
    // Packed, and what a page draws is in a form.
    let packed = miniz_oxide::deflate::compress_to_vec_zlib(b"BT /F 10 Tf <0001> Tj ET", 6);
    let digits: String = packed.iter().map(|byte| format!("{byte:02x}")).collect();
    objects[4] = stream("", "/Form Do");
    objects[2] = objects[2].replace("/Font", "/XObject << /Form 7 0 R >> /Font");
    objects.push(stream("/Subtype /Form /Filter [/ASCIIHexDecode /FlateDecode]", &digits));
    assert_eq!(read(&file(&objects)).unwrap(), "Ha");
}

#[test]
fn packed_objects_are_objects() {
    let pages = "<< /Kids [3 0 R] /Resources << /Font << /F1 9 0 R >> >> >>";
    let page = "<< /Type /Page /Parent 2 0 R /Contents 5 0 R >>";
    let inner = format!("2 0 3 {} 9 {} {pages} {page} <<>>", pages.len() + 1, pages.len() + page.len() + 2);
    let first = inner.find("<<").unwrap();
    let objects = [
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        "null".to_owned(),
        "null".to_owned(),
        stream(&format!("/Type /ObjStm /N 3 /First {first}"), &inner),
        stream("", "BT /F1 9 Tf (Packed) Tj ET"),
    ];
    assert_eq!(read(&file(&objects)).unwrap(), "Packed");
}

#[test]
fn pdf_without_text_says_why() {
    assert_eq!(read(b""), Err(Error::NotPdf));
    assert_eq!(read(b"GIF89a"), Err(Error::NotPdf));
    assert_eq!(read(b"%PDF-1.7\nnothing"), Err(Error::NoText));
    assert_eq!(read(&document(&["0 0 10 10 re f"])), Err(Error::NoText));
    // Without a table nobody knows what the signs mean.
    assert_eq!(read(&document(&["BT /F2 9 Tf <0041> Tj ET"])), Err(Error::NoText));
    let closed = String::from_utf8(document(&["BT /F1 9 Tf (Secret) Tj ET"])).unwrap();
    let closed = closed.replace("/Root 1 0 R", "/Root 1 0 R /Encrypt 9 0 R");
    assert_eq!(read(closed.as_bytes()), Err(Error::Encrypted));
}

#[test]
fn hostile_files_end() {
    // Trees and forms that hold themselves, references in circles, lists without end.
    let objects = |pages: &str, page: &str, content: &str| {
        let font = "<< /Subtype /Type1 >>".to_owned();
        file(&[
            "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
            pages.to_owned(),
            page.to_owned(),
            stream("", content),
            font,
        ])
    };
    let page =
        "<< /Type /Page /Parent 3 0 R /Resources 3 0 R /Font << /F 5 0 R >> /XObject << /X 6 0 R >> /Contents 4 0 R >>";
    let content = "BT /F 9 Tf (Text) Tj ET /X Do";
    let with_form = |form: &str| {
        let mut bytes = objects("<< /Kids [2 0 R 3 0 R 2 0 R 3 0 R] >>", page, content);
        bytes.extend(format!("6 0 obj {} endobj", stream("/Subtype /Form", form)).bytes());
        bytes
    };
    assert_eq!(read(&with_form("")).unwrap(), "Text");
    assert!(read(&with_form("/X Do /X Do")).unwrap().starts_with("Text"));
    assert!(read(&with_form(&"(a) Tj /X Do ".repeat(2_000))).unwrap().starts_with("Text"));
    assert_eq!(read(&objects("2 0 R", page, "")), Err(Error::NoText));
    assert_eq!(read(&[b"%PDF-1 1 0 obj ".as_slice(), &b"[".repeat(1 << 20)].concat()), Err(Error::NoText));
    assert_eq!(read(&[b"%PDF-1 ".as_slice(), &b"1 0 obj ".repeat(1 << 16)].concat()), Err(Error::NoText));
    assert_eq!(read(&[b"%PDF-1 ".as_slice(), &b"trailer [ 1 0 obj 1 [ ".repeat(1 << 14)].concat()), Err(Error::NoText));
    assert_eq!(read(&[b"%PDF-1 ".as_slice(), &b"1 0 obj <<>> stream ".repeat(1 << 12)].concat()), Err(Error::NoText));
}

#[test]
fn tables_that_say_much_with_little_are_too_much() {
    let with_font = |font: String, table: &str| {
        let page = "<< /Type /Page /Resources << /Font << /F 4 0 R >> >> /Contents 5 0 R >>";
        let objects = [
            "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
            "<< /Kids [3 0 R] >>".to_owned(),
            page.to_owned(),
            font,
            stream("", "BT /F 9 Tf (Text) Tj ET"),
            stream("", table),
        ];
        read(&file(&objects))
    };
    let wide = format!("<< /Subtype /Type0 /DescendantFonts [<< /W [{}] >>] >>", "0 65535 1 ".repeat(5_000));
    assert_eq!(with_font(wide, ""), Err(Error::TooMuch));
    let font = "<< /Subtype /Type0 /ToUnicode 6 0 R >>".to_owned();
    let ranges = format!("{} endbfrange", "<0000> <ffff> <0041> ".repeat(5_000));
    assert_eq!(with_font(font, &ranges), Err(Error::TooMuch));
}

/// A little more than 300 kB become a third of a gigabyte.
#[test]
fn what_unpacks_to_too_much_is_refused() {
    let packed = miniz_oxide::deflate::compress_to_vec_zlib(&vec![b' '; 40 << 20], 9);
    let digits: String = packed.iter().map(|byte| format!("{byte:02x}")).collect();
    let mut objects = vec![
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        "<< /Kids [3 0 R] >>".to_owned(),
        format!("<< /Type /Page /Contents [{}] >>", "4 0 R ".repeat(8)),
    ];
    objects.push(stream("/Filter [/AHx /Fl]", &digits));
    assert_eq!(read(&file(&objects)), Err(Error::TooMuch));
}

#[test]
fn any_part_and_any_change_of_a_file_ends() {
    let whole = document(&["BT /F1 10 Tf 72 700 Td [(a) -300 (b\\051)] TJ ET", "/X Do BI /W 1 ID \u{1} EI q Q"]);
    for end in 0..whole.len() {
        let _ = read(&whole[..end]);
    }
    // Numbers that look random and are always the same: xorshift (Marsaglia 2003).
    let mut dice = 0x9e37_79b9_7f4a_7c15u64;
    for _ in 0..20_000 {
        let mut bytes = whole.clone();
        for _ in 0..4 {
            dice ^= dice << 13;
            dice ^= dice >> 7;
            dice ^= dice << 17;
            let place = (dice >> 16) as usize % bytes.len();
            bytes[place] = b"<>[]()/ 0\xff9R"[(dice >> 8) as usize % 12];
        }
        let _ = read(&bytes);
    }
}
