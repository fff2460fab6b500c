//! Writes a file anew with each change behind a switch, so that one build holds all of them.
//!
//! `a < b` becomes `(if on(7) { a > b } else if on(8) { a == b } else { a < b })`. Only the last
//! branch holds the changes inside `a` and `b`, so the text grows with the number of changes.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use proc_macro2::LineColumn;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};

use crate::list::{Genre, Mutant, Place};

/// A change and its number, from 1.
pub type Numbered<'a> = (u32, &'a Mutant);

/// The text of the file with switches, and the numbers of the changes that are in it.
///
/// # Errors
/// The file is not Rust.
pub fn rewrite(text: &str, mutants: &[Numbered<'_>]) -> Result<(String, Vec<u32>), String> {
    let file = syn::parse_file(text).map_err(|e| e.to_string())?;
    let mut finder = Finder::new(text, mutants);
    finder.visit_file(&file);
    let mut nodes = finder.nodes;
    // Outer before inner; at one start the longer is the outer.
    nodes.sort_by_key(|n| (n.range.start, usize::MAX - n.range.end));
    let mut placed: Vec<u32> = nodes.iter().flat_map(|n| n.change.numbers()).collect();
    placed.sort_unstable();
    Ok((render(text, 0..text.len(), &nodes), placed))
}

/// `text` with each `const fn` made a plain one, but for those in `constant`: a switch is read when
/// the program runs.
pub fn without_const(text: &str, constant: &BTreeSet<String>) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("const fn ") {
        let name = &rest[at + "const fn ".len()..];
        let end = name
            .find(|c: char| !c.is_alphanumeric() && c != '_')
            .unwrap_or(name.len());
        let kept = if constant.contains(&name[..end]) {
            at + "const ".len()
        } else {
            at
        };
        out.push_str(&rest[..kept]);
        rest = &rest[at + "const ".len()..];
    }
    out.push_str(rest);
    out
}

/// A place to write anew.
#[derive(Debug)]
struct Node {
    range: Range<usize>,
    change: Change,
}

#[derive(Debug)]
enum Change {
    /// The whole expression in other words.
    Instead(Vec<(u32, String)>),
    /// Statements at the beginning of a body.
    Return(Vec<(u32, String)>),
    /// A condition after the pattern of an arm that has none.
    NeverMatches(u32),
    /// A condition of an arm: left out, always true, always false.
    Guard { never: Vec<u32>, always: Vec<u32> },
}

impl Change {
    fn numbers(&self) -> Vec<u32> {
        match self {
            Self::Instead(all) | Self::Return(all) => all.iter().map(|(n, _)| *n).collect(),
            Self::NeverMatches(n) => vec![*n],
            Self::Guard { never, always } => never.iter().chain(always).copied().collect(),
        }
    }
}

fn on(number: u32) -> String {
    format!("crate::mutant::on({number})")
}

/// `text[range]` with all `nodes` that lie in it, which are sorted from outer to inner.
fn render(text: &str, range: Range<usize>, nodes: &[Node]) -> String {
    let mut out = String::new();
    let mut at = range.start;
    let mut index = 0;
    while index < nodes.len() {
        let node = &nodes[index];
        let inner = nodes[index + 1..].iter().take_while(|n| {
            n.range.end <= node.range.end
                && n.range.start >= node.range.start
                && !node.range.is_empty()
        });
        let count = inner.count();
        let within = &nodes[index + 1..index + 1 + count];
        out.push_str(&text[at..node.range.start]);
        let plain = render(text, node.range.clone(), within);
        match &node.change {
            Change::Instead(all) => {
                out.push('(');
                for (number, other) in all {
                    out.push_str(&format!("if {} {{ {other} }} else ", on(*number)));
                }
                out.push_str(&format!("{{ {plain} }})"));
            }
            Change::Return(all) => {
                for (number, value) in all {
                    out.push_str(&format!(" if {} {{ return {value}; }} ", on(*number)));
                }
                out.push_str(&plain);
            }
            Change::NeverMatches(number) => out.push_str(&format!(" if !{} ", on(*number))),
            Change::Guard { never, always } => {
                for number in never {
                    out.push_str(&format!("!{} && ", on(*number)));
                }
                out.push('(');
                for number in always {
                    out.push_str(&format!("{} || ", on(*number)));
                }
                out.push_str(&format!("({plain}))"));
            }
        }
        at = node.range.end;
        index += 1 + count;
    }
    out.push_str(&text[at..range.end]);
    out
}

/// Finds the node of each change by where it stands.
struct Finder<'a> {
    text: &'a str,
    /// Changes by the place where their span begins.
    by_start: BTreeMap<Place, Vec<Numbered<'a>>>,
    nodes: Vec<Node>,
}

impl<'a> Finder<'a> {
    fn new(text: &'a str, mutants: &[Numbered<'a>]) -> Self {
        let mut by_start: BTreeMap<Place, Vec<Numbered<'a>>> = BTreeMap::new();
        for &(number, mutant) in mutants {
            by_start
                .entry(mutant.span.start)
                .or_default()
                .push((number, mutant));
        }
        Self {
            text,
            by_start,
            nodes: Vec::new(),
        }
    }

    /// The changes of `genre` that begin at `at`.
    fn at(&self, at: LineColumn, genre: Genre) -> Vec<Numbered<'a>> {
        let place = Place {
            line: at.line,
            column: at.column + 1,
        };
        let all = self.by_start.get(&place).into_iter().flatten();
        all.filter(|(_, m)| m.genre == genre).copied().collect()
    }

    /// `range` of the text with `part` replaced.
    fn replaced(&self, range: &Range<usize>, part: &Range<usize>, other: &str) -> String {
        let (before, after) = (
            &self.text[range.start..part.start],
            &self.text[part.end..range.end],
        );
        format!("{before}{other}{after}")
    }

    fn body(&mut self, signature: &syn::Signature, block: &syn::Block) {
        // `-> impl Trait` is one type, which another value made up for it would not have.
        if let syn::ReturnType::Type(_, of) = &signature.output
            && matches!(**of, syn::Type::ImplTrait(_))
        {
            return;
        }
        let Some(first) = block.stmts.first() else {
            return;
        };
        // The span that the list gives begins at the first statement.
        let all = self.at(first.span().start(), Genre::FnValue);
        if all.is_empty() {
            return;
        }
        let start = block.brace_token.span.open().byte_range().end;
        let values = all
            .iter()
            .map(|(n, m)| (*n, m.replacement.clone()))
            .collect();
        self.nodes.push(Node {
            range: start..start,
            change: Change::Return(values),
        });
    }
}

/// Whether a `let` stands in a chain of conditions, which cannot be put into a branch.
fn has_let(expr: &syn::Expr) -> bool {
    match expr {
        syn::Expr::Let(_) => true,
        syn::Expr::Binary(b) => has_let(&b.left) || has_let(&b.right),
        syn::Expr::Paren(p) => has_let(&p.expr),
        _ => false,
    }
}

impl<'ast> Visit<'ast> for Finder<'_> {
    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.body(&item.sig, &item.block);
        visit::visit_item_fn(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.body(&item.sig, &item.block);
        visit::visit_impl_item_fn(self, item);
    }

    fn visit_trait_item_fn(&mut self, item: &'ast syn::TraitItemFn) {
        if let Some(block) = &item.default {
            self.body(&item.sig, block);
        }
        visit::visit_trait_item_fn(self, item);
    }

    fn visit_expr_binary(&mut self, expr: &'ast syn::ExprBinary) {
        let all = self.at(expr.op.span().start(), Genre::BinaryOperator);
        let chain = has_let(&expr.left) || has_let(&expr.right);
        if !all.is_empty() && !chain && expr.attrs.is_empty() {
            let range = expr.left.span().byte_range().start..expr.right.span().byte_range().end;
            let op = expr.op.span().byte_range();
            let others = all
                .iter()
                .map(|(n, m)| (*n, self.replaced(&range, &op, &m.replacement)));
            let change = Change::Instead(others.collect());
            self.nodes.push(Node { range, change });
        }
        visit::visit_expr_binary(self, expr);
    }

    fn visit_expr_unary(&mut self, expr: &'ast syn::ExprUnary) {
        let all = self.at(expr.op.span().start(), Genre::UnaryOperator);
        if !all.is_empty() && expr.attrs.is_empty() {
            let range = expr.op.span().byte_range().start..expr.expr.span().byte_range().end;
            let op = expr.op.span().byte_range();
            let others = all
                .iter()
                .map(|(n, _)| (*n, self.replaced(&range, &op, "")));
            let change = Change::Instead(others.collect());
            self.nodes.push(Node { range, change });
        }
        visit::visit_expr_unary(self, expr);
    }

    fn visit_arm(&mut self, arm: &'ast syn::Arm) {
        let gone: Vec<u32> = self
            .at(arm.span().start(), Genre::MatchArm)
            .iter()
            .map(|(n, _)| *n)
            .collect();
        match &arm.pat {
            syn::Pat::Guard(guarded) => {
                let guard = &guarded.guard;
                let all = self.at(guard.span().start(), Genre::MatchArmGuard);
                let numbers = |value: &str| -> Vec<u32> {
                    all.iter()
                        .filter(|(_, m)| m.replacement == value)
                        .map(|(n, _)| *n)
                        .collect()
                };
                let mut never = gone;
                never.extend(numbers("false"));
                let always = numbers("true");
                if !never.is_empty() || !always.is_empty() {
                    let range = guard.span().byte_range();
                    self.nodes.push(Node {
                        range,
                        change: Change::Guard { never, always },
                    });
                }
            }
            pattern => {
                if let Some(&number) = gone.first() {
                    let end = pattern.span().byte_range().end;
                    let change = Change::NeverMatches(number);
                    self.nodes.push(Node {
                        range: end..end,
                        change,
                    });
                }
            }
        }
        visit::visit_arm(self, arm);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::list::Span;

    fn mutant(genre: Genre, at: (usize, usize), replacement: &str) -> Mutant {
        let place = Place { line: at.0, column: at.1 };
        Mutant {
            file: String::new(),
            name: String::new(),
            genre,
            replacement: replacement.to_owned(),
            span: Span { start: place, end: place },
        }
    }

    fn rewritten(text: &str, mutants: &[Mutant]) -> (String, Vec<u32>) {
        let numbered: Vec<_> = (1..).zip(mutants).collect();
        let (text, placed) = rewrite(text, &numbered).unwrap();
        (text.replace("crate::mutant::", ""), placed)
    }

    #[test]
    fn changes_inside_a_change_stand_in_its_last_branch() {
        let text = "fn f(a: i32, b: i32) -> bool { a + b < 2 }";
        let all = [
            mutant(Genre::FnValue, (1, 32), "true"),
            mutant(Genre::BinaryOperator, (1, 38), ">"),
            mutant(Genre::BinaryOperator, (1, 34), "-"),
        ];
        let (text, placed) = rewritten(text, &all);
        assert_eq!(
            text,
            "fn f(a: i32, b: i32) -> bool { if on(1) { return true; }  \
             (if on(2) { a + b > 2 } else { (if on(3) { a - b } else { a + b }) < 2 }) }"
        );
        assert_eq!(placed, [1, 2, 3]);
    }

    #[test]
    fn arms_and_their_conditions_can_be_left_out() {
        let text = "fn f(a: i32) { match a { 1 => {} 2 if !g() => {} _ => {} } }";
        let all = [
            mutant(Genre::MatchArm, (1, 26), ""),
            mutant(Genre::MatchArmGuard, (1, 39), "true"),
            mutant(Genre::MatchArmGuard, (1, 39), "false"),
            mutant(Genre::UnaryOperator, (1, 39), ""),
        ];
        let (text, placed) = rewritten(text, &all);
        assert_eq!(
            text,
            "fn f(a: i32) { match a { 1 if !on(1)  => {} \
             2 if !on(3) && (on(2) || ((if on(4) { g() } else { !g() }))) => {} _ => {} } }"
        );
        assert_eq!(placed, [1, 2, 3, 4]);
    }

    #[test]
    fn a_chain_with_let_and_one_opaque_type_have_no_switch() {
        let text = "fn f(a: Option<i32>) -> impl Iterator<Item = i32> {\n    \
                    if let Some(b) = a && b > 1 {}\n    a.into_iter()\n}";
        let all = [
            mutant(Genre::FnValue, (2, 5), "::std::iter::empty()"),
            mutant(Genre::BinaryOperator, (2, 24), "||"),
        ];
        let (same, placed) = rewritten(text, &all);
        assert_eq!((same.as_str(), placed), (text, vec![]));
    }

    #[test]
    fn constant_functions_become_plain_unless_they_must_not() {
        let text = "pub const fn a() {} const fn b() {} const C: i32 = 1;";
        let kept = BTreeSet::from(["b".to_owned()]);
        assert_eq!(without_const(text, &kept), "pub fn a() {} const fn b() {} const C: i32 = 1;");
    }
}
