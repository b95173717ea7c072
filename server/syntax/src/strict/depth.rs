//! How deep a text is nested, found without recursion, before a parser that recurses sees it.
//!
//! CPython refuses what is too deep; a text that passes here is shallow enough for the strict parser and for every walk
//! over its tree.

use ruff_python_ast::token::TokenKind;
use ruff_python_parser::Mode;
use ruff_python_parser::lexer::lex;

/// Brackets in brackets that CPython's tokenizer takes (`MAXLEVEL`).
const BRACKETS: usize = 200;
/// Blocks in blocks that it takes (`MAXINDENT`).
const BLOCKS: usize = 100;
/// Operators upon operators. CPython up to 3.12 takes about 3,000 and 3.13 about 10,000, in any case fewer than this.
const OPERATORS: usize = 10_000;

/// What is too deep, in words.
pub(super) enum TooDeep {
    Brackets,
    Blocks,
    Operators,
}

impl TooDeep {
    pub(super) fn message(&self) -> &'static str {
        match self {
            TooDeep::Brackets => "too many nested parentheses: Python takes 200",
            TooDeep::Blocks => "too many levels of indentation: Python takes 100",
            TooDeep::Operators => {
                "an expression of more than 10,000 operators is too deep for Python's compiler"
            }
        }
    }
}

/// A level of brackets: the operators in it since the last comma, and its lambdas, whose parameters have commas of their own.
#[derive(Default)]
struct Level {
    operators: usize,
    lambdas: usize,
}

/// An upper bound of the depth of the text's tree, or what of it is too deep.
pub(super) fn depth(text: &str) -> Result<usize, TooDeep> {
    let mut lexer = lex(text, Mode::Module);
    of_tokens(std::iter::repeat_with(|| lexer.next_token()))
}

/// The same of a text's tokens.
pub(super) fn of_tokens(tokens: impl Iterator<Item = TokenKind>) -> Result<usize, TooDeep> {
    let mut levels = vec![Level::default()];
    let mut blocks = 0_usize;
    let mut operators = 0_usize;
    let mut deepest = 0;
    for token in tokens {
        match token {
            TokenKind::EndOfFile => break,
            TokenKind::Newline => {
                levels.truncate(1);
                levels[0] = Level::default();
                operators = 0;
            }
            TokenKind::Indent => {
                blocks += 1;
                if blocks >= BLOCKS {
                    return Err(TooDeep::Blocks);
                }
            }
            TokenKind::Dedent => blocks = blocks.saturating_sub(1),
            TokenKind::Lpar
            | TokenKind::Lsqb
            | TokenKind::Lbrace
            | TokenKind::FStringStart
            | TokenKind::TStringStart => {
                if let Some(level) = levels.last_mut() {
                    level.operators += 1;
                }
                operators += 1;
                levels.push(Level::default());
                if levels.len() > BRACKETS {
                    return Err(TooDeep::Brackets);
                }
            }
            TokenKind::Rpar
            | TokenKind::Rsqb
            | TokenKind::Rbrace
            | TokenKind::FStringEnd
            | TokenKind::TStringEnd => {
                if levels.len() > 1
                    && let Some(level) = levels.pop()
                {
                    operators -= level.operators + level.lambdas;
                }
            }
            TokenKind::Comma => {
                if let Some(level) = levels.last_mut() {
                    operators -= level.operators;
                    level.operators = 0;
                }
            }
            TokenKind::Lambda => {
                if let Some(level) = levels.last_mut() {
                    level.lambdas += 1;
                }
                operators += 1;
            }
            kind if deepens(kind) => {
                if let Some(level) = levels.last_mut() {
                    level.operators += 1;
                }
                operators += 1;
                if operators > OPERATORS {
                    return Err(TooDeep::Operators);
                }
            }
            _ => {}
        }
        if operators > OPERATORS {
            return Err(TooDeep::Operators);
        }
        deepest = deepest.max(operators + blocks);
    }
    Ok(deepest)
}

/// Tokens each of which may put the tree one level deeper. (`and`, `or`, comparisons, `=` and strings side by side are flat.)
fn deepens(kind: TokenKind) -> bool {
    matches!(
        kind,
        TokenKind::Plus
            | TokenKind::Minus
            | TokenKind::Star
            | TokenKind::Slash
            | TokenKind::DoubleSlash
            | TokenKind::DoubleStar
            | TokenKind::Percent
            | TokenKind::At
            | TokenKind::Vbar
            | TokenKind::Amper
            | TokenKind::CircumFlex
            | TokenKind::LeftShift
            | TokenKind::RightShift
            | TokenKind::Tilde
            | TokenKind::Dot
            | TokenKind::Not
            | TokenKind::Await
            | TokenKind::If
            | TokenKind::ColonEqual
            | TokenKind::Colon
            | TokenKind::Yield
    )
}
