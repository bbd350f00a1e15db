//! How streams are packed.

use miniz_oxide::inflate::decompress_to_vec_zlib_with_limit;

use crate::Error;
use crate::lexer::{Object, digit, is_space};

/// Unpacks by one filter into at most `limit` bytes; of what is damaged, as much as is there. `None` for filters that
/// hold no text, such as those of pictures.
pub(crate) fn unpack(
    filter: &str,
    data: &[u8],
    parameters: Option<&Object>,
    limit: usize,
) -> Option<Result<Vec<u8>, Error>> {
    match filter {
        "FlateDecode" | "Fl" => Some(inflated(data, limit).map(|data| predicted(data, parameters))),
        "ASCIIHexDecode" | "AHx" => Some(Ok(from_hexadecimal(data))),
        "ASCII85Decode" | "A85" => Some(Ok(from_base_85(data))),
        _ => None,
    }
}

fn inflated(data: &[u8], limit: usize) -> Result<Vec<u8>, Error> {
    match decompress_to_vec_zlib_with_limit(data, limit) {
        Ok(data) => Ok(data),
        Err(error) if error.output.len() >= limit => Err(Error::TooMuch),
        Err(error) => {
            // What was never reached is zero.
            let end = error.output.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
            Ok(error.output[..end].to_vec())
        }
    }
}

/// Undoes the prediction of PNG's filters, which tables are packed with.
fn predicted(data: Vec<u8>, parameters: Option<&Object>) -> Vec<u8> {
    let number = |key: &str, default: f64| parameters.and_then(|it| it.get(key)?.number()).unwrap_or(default);
    if number("Predictor", 1.0) < 10.0 {
        return data;
    }
    let samples = (number("Colors", 1.0) * number("BitsPerComponent", 8.0)).clamp(1.0, 256.0);
    let step = (samples as usize).div_ceil(8);
    let width = (number("Columns", 1.0).clamp(1.0, 1e6) as usize * samples as usize).div_ceil(8);
    let mut rows: Vec<u8> = Vec::with_capacity(data.len());
    let mut above = vec![0u8; width];
    for row in data.chunks(width + 1) {
        let (kind, packed) = (row[0], &row[1..]);
        let mut line = vec![0u8; width];
        for (at, &byte) in packed.iter().enumerate() {
            let left = if at >= step { line[at - step] } else { 0 };
            let corner = if at >= step { above[at - step] } else { 0 };
            let guess = match kind {
                1 => left,
                2 => above[at],
                3 => ((u16::from(left) + u16::from(above[at])) / 2) as u8,
                4 => paeth(left, above[at], corner),
                _ => 0,
            };
            line[at] = byte.wrapping_add(guess);
        }
        rows.extend(&line[..packed.len()]);
        above = line;
    }
    rows
}

/// The predictor of Alan Paeth, as in PNG.
fn paeth(left: u8, above: u8, corner: u8) -> u8 {
    let estimate = i16::from(left) + i16::from(above) - i16::from(corner);
    let distance = |value: u8| (estimate - i16::from(value)).abs();
    let nearest = [left, above, corner].into_iter().min_by_key(|&value| distance(value));
    nearest.unwrap_or(left)
}

fn from_hexadecimal(data: &[u8]) -> Vec<u8> {
    let digits: Vec<u8> = data.iter().take_while(|&&byte| byte != b'>').filter_map(|&byte| digit(byte)).collect();
    digits.chunks(2).map(|pair| 16 * pair[0] + pair.get(1).copied().unwrap_or(0)).collect()
}

fn from_base_85(data: &[u8]) -> Vec<u8> {
    let mut unpacked = Vec::with_capacity(data.len() / 5 * 4);
    let mut group: Vec<u8> = Vec::with_capacity(5);
    let finish = |group: &mut Vec<u8>, unpacked: &mut Vec<u8>| {
        let length = group.len();
        if length > 1 {
            group.resize(5, 84);
            let value = group.iter().fold(0u32, |value, &digit| value.wrapping_mul(85).wrapping_add(u32::from(digit)));
            unpacked.extend(&value.to_be_bytes()[..length - 1]);
        }
        group.clear();
    };
    for &byte in data.iter().filter(|&&byte| !is_space(byte)) {
        match byte {
            b'z' if group.is_empty() => unpacked.extend([0; 4]),
            b'!'..=b'u' => {
                group.push(byte - b'!');
                if group.len() == 5 {
                    finish(&mut group, &mut unpacked);
                }
            }
            _ => break,
        }
    }
    finish(&mut group, &mut unpacked);
    unpacked
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_in_signs() {
        assert_eq!(from_hexadecimal(b"48 65 6C6c 6F7>after"), b"Hellop");
        assert_eq!(from_base_85(b"87cURD]i,\"Ebo80~>"), b"Hello World!");
        assert_eq!(from_base_85(b"z!!~>"), [0, 0, 0, 0, 0]);
    }

    #[test]
    fn rows_are_told_from_their_neighbours() {
        let parameters = Object::Dictionary(vec![
            ("Predictor".to_owned(), Object::Number(12.0)),
            ("Columns".to_owned(), Object::Number(3.0)),
        ]);
        let packed = vec![0, 1, 2, 3, 2, 1, 1, 1, 1, 5, 1, 1, 3, 1, 1, 1, 4, 1, 0, 0];
        assert_eq!(predicted(packed, Some(&parameters)), [1, 2, 3, 2, 3, 4, 5, 6, 7, 3, 5, 7, 4, 5, 7]);
        assert_eq!(predicted(vec![7, 8], None), [7, 8]);
    }

    #[test]
    fn what_unpacks_without_end_is_too_much() {
        let bomb = miniz_oxide::deflate::compress_to_vec_zlib(&vec![0; 1 << 20], 9);
        assert_eq!(inflated(&bomb, 1 << 16), Err(Error::TooMuch));
        assert_eq!(inflated(&bomb, 1 << 21).map(|data| data.len()), Ok(1 << 20));
        let half = inflated(&bomb[..bomb.len() / 2], 1 << 21).unwrap();
        assert!(half.len() < 1 << 20);
        assert_eq!(inflated(b"no stream", 100), Ok(Vec::new()));
    }
}
