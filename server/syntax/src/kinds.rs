//! The kinds of nodes of the grammar that this room knows, as numbers instead of strings.

use std::num::NonZeroU16;
use std::sync::OnceLock;
use tree_sitter::{Language, Node};

/// The grammar of Python.
pub fn language() -> &'static Language {
    static LANGUAGE: OnceLock<Language> = OnceLock::new();
    LANGUAGE.get_or_init(|| tree_sitter_python::LANGUAGE.into())
}

macro_rules! kinds {
    ($($kind:ident = $name:literal,)*) => {
        /// What a node of the tree is. Only the kinds that mean something for names and scopes are told apart.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[allow(missing_docs)] // Each is the grammar's node of that name.
        pub enum Kind {
            $($kind,)*
            /// A keyword or a sign.
            Token,
            /// Any other node.
            Other,
        }

        fn named(name: &str) -> Kind {
            match name {
                $($name => Kind::$kind,)*
                _ => Kind::Other,
            }
        }
    };
}

kinds! {
    AliasedImport = "aliased_import",
    AsPattern = "as_pattern",
    AsPatternTarget = "as_pattern_target",
    Assignment = "assignment",
    Attribute = "attribute",
    AugmentedAssignment = "augmented_assignment",
    Await = "await",
    Block = "block",
    CaseClause = "case_clause",
    CasePattern = "case_pattern",
    ClassDefinition = "class_definition",
    ClassPattern = "class_pattern",
    Comment = "comment",
    ConstrainedType = "constrained_type",
    DecoratedDefinition = "decorated_definition",
    Decorator = "decorator",
    DefaultParameter = "default_parameter",
    DeleteStatement = "delete_statement",
    DictionaryComprehension = "dictionary_comprehension",
    DictionarySplatPattern = "dictionary_splat_pattern",
    DictPattern = "dict_pattern",
    DottedName = "dotted_name",
    ElifClause = "elif_clause",
    ElseClause = "else_clause",
    ExceptClause = "except_clause",
    ExecStatement = "exec_statement",
    FinallyClause = "finally_clause",
    ForInClause = "for_in_clause",
    ForStatement = "for_statement",
    FunctionDefinition = "function_definition",
    FutureImportStatement = "future_import_statement",
    GeneratorExpression = "generator_expression",
    GenericType = "generic_type",
    GlobalStatement = "global_statement",
    Identifier = "identifier",
    IfClause = "if_clause",
    IfStatement = "if_statement",
    ImportFromStatement = "import_from_statement",
    ImportStatement = "import_statement",
    KeywordArgument = "keyword_argument",
    KeywordPattern = "keyword_pattern",
    KeywordSeparator = "keyword_separator",
    Lambda = "lambda",
    LambdaParameters = "lambda_parameters",
    List = "list",
    ListComprehension = "list_comprehension",
    ListPattern = "list_pattern",
    ListSplat = "list_splat",
    ListSplatPattern = "list_splat_pattern",
    MatchStatement = "match_statement",
    MemberType = "member_type",
    Module = "module",
    NamedExpression = "named_expression",
    NonlocalStatement = "nonlocal_statement",
    Parameters = "parameters",
    ParenthesizedExpression = "parenthesized_expression",
    PatternList = "pattern_list",
    PositionalSeparator = "positional_separator",
    PrintStatement = "print_statement",
    RelativeImport = "relative_import",
    SetComprehension = "set_comprehension",
    SplatPattern = "splat_pattern",
    SplatType = "splat_type",
    String = "string",
    Subscript = "subscript",
    TryStatement = "try_statement",
    Tuple = "tuple",
    TuplePattern = "tuple_pattern",
    Type = "type",
    TypeAliasStatement = "type_alias_statement",
    TypedDefaultParameter = "typed_default_parameter",
    TypedParameter = "typed_parameter",
    TypeParameter = "type_parameter",
    ExpressionList = "expression_list",
    UnionPattern = "union_pattern",
    WhileStatement = "while_statement",
    WildcardImport = "wildcard_import",
    WithStatement = "with_statement",
    Yield = "yield",
}

impl Kind {
    /// The kind of `node`.
    pub fn of(node: Node<'_>) -> Kind {
        static KINDS: OnceLock<Vec<Kind>> = OnceLock::new();
        let kinds = KINDS.get_or_init(|| {
            let language = language();
            (0..language.node_kind_count() as u16)
                .map(|id| match language.node_kind_for_id(id) {
                    Some(name) if language.node_kind_is_named(id) => named(name),
                    _ => Kind::Token,
                })
                .collect()
        });
        // The error node has a number outside of the table.
        kinds
            .get(usize::from(node.kind_id()))
            .copied()
            .unwrap_or(Kind::Other)
    }

    /// A comprehension or a generator expression.
    pub fn is_comprehension(self) -> bool {
        matches!(
            self,
            Kind::ListComprehension
                | Kind::SetComprehension
                | Kind::DictionaryComprehension
                | Kind::GeneratorExpression
        )
    }
}

/// The grammar's fields by number.
#[derive(Debug)]
#[allow(missing_docs)] // Each is the grammar's field of that name.
pub struct Fields {
    pub alias: NonZeroU16,
    pub body: NonZeroU16,
    pub definition: NonZeroU16,
    pub key: NonZeroU16,
    pub left: NonZeroU16,
    pub name: NonZeroU16,
    pub parameters: NonZeroU16,
    pub return_type: NonZeroU16,
    pub right: NonZeroU16,
    pub r#type: NonZeroU16,
    pub type_parameters: NonZeroU16,
    pub value: NonZeroU16,
}

/// The fields of the grammar.
pub fn fields() -> &'static Fields {
    static FIELDS: OnceLock<Fields> = OnceLock::new();
    FIELDS.get_or_init(|| {
        // A field that the grammar does not have gets a number that no node has; the tests below would see it.
        let number = |name: &str| {
            language()
                .field_id_for_name(name)
                .unwrap_or(NonZeroU16::MAX)
        };
        Fields {
            alias: number("alias"),
            body: number("body"),
            definition: number("definition"),
            key: number("key"),
            left: number("left"),
            name: number("name"),
            parameters: number("parameters"),
            return_type: number("return_type"),
            right: number("right"),
            r#type: number("type"),
            type_parameters: number("type_parameters"),
            value: number("value"),
        }
    })
}
