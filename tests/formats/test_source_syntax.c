/* SPDX-License-Identifier: Apache-2.0
 * Python-like texts become trees as Python's own grammar has it; what is wrong is told where it stands. */
#include "formats/source/source.h"
#include "formats/source/tokens.h"
#include "syntax_places.h"
#include "paths.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <cmocka.h>

typedef struct reading {
    cni_arena arena;
    cni_remarks remarks;
    cni_source_comments comments;
    cni_syntax *module;
    char *text;
    size_t size;
} reading;

/* The text is copied to a block of its own size, so that a sanitizer sees a read past it. */
static void read_bytes(reading *r, const char *text, size_t size)
{
    *r = (reading){.size = size};
    r->remarks.arena = &r->arena;
    r->text = malloc(size + !size);
    assert_non_null(r->text);
    memcpy(r->text, text, size);
    r->module = cni_syntax_read(&r->arena, r->text, size, &r->remarks, &r->comments);
    assert_non_null(r->module);
    const char *wrong = misplaced(r->text, size, r->module, &r->remarks);
    if (wrong) fail_msg("%s: %.*s", wrong, (int)size, text);
}

static void read_text(reading *r, const char *text)
{
    read_bytes(r, text, strlen(text));
}

static void end_reading(reading *r)
{
    cni_arena_free(&r->arena);
    free(r->text);
}

/* ---- trees in one line: (type text items...) ---- */

static const char *const marks[] = {
    [CNI_SYNTAX_TUPLE] = "tuple",
    [CNI_SYNTAX_LIST] = "list",
    [CNI_SYNTAX_DICT] = "dict",
    [CNI_SYNTAX_CALL] = "call",
    [CNI_SYNTAX_SUBSCRIPT] = "index",
    [CNI_SYNTAX_SLICE] = "slice",
    [CNI_SYNTAX_AND] = "and",
    [CNI_SYNTAX_OR] = "or",
    [CNI_SYNTAX_CONDITIONAL] = "if-else",
    [CNI_SYNTAX_OUTSIDE] = "!",
    [CNI_SYNTAX_BLOCK] = "",
    [CNI_SYNTAX_EXPRESSION] = "do",
    [CNI_SYNTAX_ASSIGN] = "=",
    [CNI_SYNTAX_AUGMENTED] = "in-place",
    [CNI_SYNTAX_IMPORT] = "import",
    [CNI_SYNTAX_FROM] = "from",
    [CNI_SYNTAX_FOR] = "for",
    [CNI_SYNTAX_IF] = "if",
    [CNI_SYNTAX_DEF] = "def",
    [CNI_SYNTAX_CLASS] = "class",
    [CNI_SYNTAX_RETURN] = "return",
    [CNI_SYNTAX_WITH] = "with",
    [CNI_SYNTAX_PASS] = "pass",
    [CNI_SYNTAX_UNREAD] = "unread",
};

static void show(cni_text *out, const cni_syntax *node)
{
    char value[200];
    if (!node)
        cni_text_add(out, "-");
    else if (node->type == CNI_SYNTAX_CONSTANT)
        cni_text_add(out, cni_value_show(node->value, value, sizeof value));
    else if (node->type == CNI_SYNTAX_NAME)
        cni_text_add(out, node->text);
    else if (node->type == CNI_SYNTAX_ELLIPSIS)
        cni_text_add(out, "...");
    else if (node->type == CNI_SYNTAX_FORMATTED)
        cni_text_add(out, "f''");
    else if (node->type == CNI_SYNTAX_ATTRIBUTE) {
        show(out, node->items[0]);
        cni_text_printf(out, ".%s", node->text);
    } else if (node->type == CNI_SYNTAX_ARGUMENT || node->type == CNI_SYNTAX_PARAMETER) {
        if (node->text) cni_text_printf(out, "%s:", node->text);
        if (node->count) show(out, node->items[0]);
    } else {
        const char *mark = (size_t)node->type < sizeof marks / sizeof *marks ? marks[node->type] : NULL;
        cni_text_printf(out, "(%s", mark ? mark : "");
        if (node->text) cni_text_printf(out, mark ? " %s" : "%s", node->text);
        if (node->name) cni_text_printf(out, " %s", node->name);
        if (node->alias) cni_text_printf(out, " as %s", node->alias);
        for (size_t i = 0; i < node->count; i++) {
            cni_text_char(out, ' ');
            if (node->keys && node->keys[i]) show(out, node->keys[i]);
            if (node->keys) cni_text_add(out, node->keys[i] ? ":" : "**:");
            show(out, node->items[i]);
        }
        cni_text_char(out, ')');
    }
}

static void expect_tree(const char *text, const char *tree)
{
    reading r;
    cni_text shown = {0};
    read_text(&r, text);
    for (size_t i = 0; i < r.module->count; i++) {
        if (i) cni_text_char(&shown, ' ');
        show(&shown, r.module->items[i]);
    }
    if (r.remarks.errors) fail_msg("%s: %s", text, r.remarks.items[0].text);
    if (strcmp(cni_text_get(&shown), tree) != 0) fail_msg("%s\n is    %s\n not   %s", text, cni_text_get(&shown), tree);
    cni_text_free(&shown);
    end_reading(&r);
}

static void trees_are_as_in_python(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"a = b = 3", "(= a b 3)"},
        {"a, b = 1, 2;", "(= (tuple a b) (tuple 1 2))"},
        {"(a, b) = c,", "(= (tuple a b) (tuple c))"},
        {"x = (1)", "(= x 1)"},
        {"x = (1,)", "(= x (tuple 1))"},
        {"x = ()", "(= x (tuple))"},
        {"1 + 2 * 3 - 4", "(do (- (+ 1 (* 2 3)) 4))"},
        {"-2 ** -2 ** 3", "(do (- (** 2 (- (** 2 3)))))"},
        {"a // b % c @ d / e", "(do (/ (@ (% (// a b) c) d) e))"},
        {"not a == b and c or d", "(do (or (and (not (== a b)) c) d))"},
        {"a < b <= c", "(do (and (< a b) (<= b c)))"},
        {"a is not None, b not in c, not d in e", "(do (tuple (is not a None) (not in b c) (not (in d e))))"},
        {"a if b else c if d else e", "(do (if-else a b (if-else c d e)))"},
        {"f()(x)", "(do (call (call f) x))"},
        {"layers.Conv2D(32, (3, 3), padding=\"same\")(x)",
         "(do (call (call layers.Conv2D 32 (tuple 3 3) padding:'same') x))"},
        {"f(*a, **b)", "(do (call f *:a **:b))"},
        {"x[:, 1:-1, ::2, ..., 3]", "(do (index x (slice - - -) (slice 1 (- 1) -) (slice - - 2) ... 3))"},
        {"x[a, ]", "(do (index x a))"},
        {"{'a': 1, **b}", "(do (dict 'a':1 **:b))"},
        {"{}", "(do (dict))"},
        {"[]", "(do (list))"},
        {"x += 1; y //= 2; z **= 3; self.a @= b",
         "(in-place + x 1) (in-place // y 2) (in-place ** z 3) (in-place @ self.a b)"},
        {"x: int = 3\ny: List[int]", "(= x 3) (pass)"},
        {"import a.b as c, d", "(import a.b as c) (import d)"},
        {"from a.b import (c as d, e,)", "(from a.b c as d) (from a.b e)"},
        {"from . import a\nfrom ..b import *", "(from . a) (from ..b *)"},
        {"for i, x in enumerate(y): f(i); g(x)",
         "(for (tuple i x) (call enumerate y) ( (do (call f i)) (do (call g x))))"},
        {"for i in 1, 2:\n  for j in i:\n    f\n  g\nh", "(for i (tuple 1 2) ( (for j i ( (do f))) (do g))) (do h)"},
        {"if a: b\nelif c:\n d\nelse:\n e", "(if a ( (do b)) ( (if c ( (do d)) ( (do e)))))"},
        {"def f(a, b: int = 2, *c, d=[], **e) -> x:\n\treturn a, b\n",
         "(def f ( (return (tuple a b))) a: b:2 *c: d:(list) **e:)"},
        {"def f(a, /, b, *, c): return", "(def f ( (return)) a: b: c:)"},
        {"class A(nn.Module, metaclass=M):\n  'text'\n  def f(self): ...",
         "(class A ( (pass) (def f ( (do ...)) self:)) nn.Module)"},
        {"class A: pass", "(class A ( (pass)))"},
        {"with a.scope() as b, c: d", "(with (call a.scope) ( (do d)))"},
        {"with (a as b, c as d,):\n  e", "(with a ( (do e)))"},
        {"with (a): e", "(with a ( (do e)))"},
        {"match = 3; print(match)", "(= match 3) (do (call print match))"},
        {"'doc' \"string\"", "(pass)"},
        {"x = 'a' \"b\" '''c'''", "(= x 'abc')"},
        {"x = ('a'\n 'b')", "(= x 'ab')"},
        {"x = r'\\n' '\\n\\x41\\u00e9\\101\\q\\\n'", "(= x '\\\\n\\nA\xc3\xa9"
                                                     "A\\\\q')"},
        {"x = f'{a}' 'b'", "(= x f'')"},
        {"x = [1_000, 0x1F, 0b101, 0o17, 1., .5, 1e3, 1E-3, 00, 9223372036854775807]",
         "(= x (list 1000 31 5 15 1.0 0.5 1000.0 0.001 0 9223372036854775807))"},
        {"x = 1e999", "(= x inf)"},
        {"a = True, False, None, ...", "(= a (tuple True False None ...))"},
        {"f(a\n=\n1\n,)", "(do (call f a:1))"},
        {"x = \\\n  3", "(= x 3)"},
        {"a = 1\r\nb = 2\rc = 3", "(= a 1) (= b 2) (= c 3)"},
        {"\xEF\xBB\xBFx = 1", "(= x 1)"},
        {"  a\n  b", "(do a) (do b)"},
        {"x\xc2\xa0=\xe2\x80\x83"
         "3",
         "(= x 3)"},
        {"f(p=\xe2\x80\x9csame\xe2\x80\x9d, q=\xe2\x80\x98v\xe2\x80\x99, r='it\xe2\x80\x99s', s='b\xe2\x80\x99)",
         "(do (call f p:'same' q:'v' r:'it\xe2\x80\x99s' s:'b'))"},
        {"# x\n%matplotlib inline\n!pip install x\n  # y\nx = f(a\n  % b)", "(= x (call f (% a b)))"},
        {">>> x = f(\n...   1)\n>>> x\n(4, 28)\n\ny = 2", "(= x (call f 1)) (do x) (= y 2)"},
        {"gr\xc3\xb6\xc3\x9f"
         "e = 1",
         "(= gr\xc3\xb6\xc3\x9f"
         "e 1)"},
        {"assert a == b, c\ndel x\nraise E('x')", "(unread assert) (unread del) (unread raise)"},
        {"", ""},
        {"\n\n  # nothing\n", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) expect_tree(cases[i][0], cases[i][1]);
}

/* ---- positions ---- */

static void expect_span(const cni_syntax *node, int line, int column, int end_line, int end_column)
{
    assert_int_equal(node->span.line, line);
    assert_int_equal(node->span.column, column);
    assert_int_equal(node->span.end_line, end_line);
    assert_int_equal(node->span.end_column, end_column);
}

static void spans_count_characters(void **state)
{
    (void)state;
    reading r;
    read_text(&r, "\xc3\xa9 = '\xf0\x9f\xa6\x84'; x = (layers.Conv2D(\n\t32, strides=2))(y)\n");
    const cni_syntax *first = r.module->items[0], *second = r.module->items[1];
    expect_span(first, 1, 1, 1, 8);
    expect_span(first->items[1], 1, 5, 1, 8);
    expect_span(second, 1, 10, 2, 20);
    const cni_syntax *outer = second->items[1], *inner = outer->items[0];
    expect_span(outer, 1, 14, 2, 20);
    expect_span(inner, 1, 15, 2, 16); /* without its brackets, as in Python */
    expect_span(inner->items[0], 1, 15, 1, 28);
    expect_span(inner->items[1], 2, 2, 2, 4);
    expect_span(inner->items[2], 2, 6, 2, 15); /* with the keyword */
    expect_span(inner->items[2]->items[0], 2, 14, 2, 15);
    assert_int_equal(inner->items[1]->items[0]->value->line, 2);
    end_reading(&r);
}

/* ---- errors ---- */

typedef struct refusal {
    const char *text, *id;
    int line, column;
    const char *message; /* a part of it */
    size_t statements;   /* that are read all the same */
} refusal;

static const refusal refusals[] = {
    {"Conv2D(32, 3,", "I801", 1, 14, "the '(' of line 1, column 7 is never closed", 0},
    {"model.add(Conv2D(32, 3)\nmodel.add(Dense(10))", "I801", 2, 1, "the '(' of line 1, column 10 is never closed", 1},
    {"f([1, 2)\nx = 1", "I801", 1, 8, "the '[' of line 1, column 3 is never closed", 1},
    {"x = (1, 2]\ny = 2", "I801", 1, 10, "the '(' of line 1, column 5 is never closed", 1},
    {"f(a b)\nx = 1", "I801", 1, 5, "expected ',' or ')', got 'b'", 1},
    {"Sequential([\nDense(1)\nDense(2)\n])\nx = 1", "I801", 3, 1, "expected ',' or ']', got 'Dense'", 1},
    {"f(a))\nx = 1", "I801", 1, 5, "expected the end of the line, got ')'", 1},
    {"x = ", "I801", 1, 4, "expected an expression, got the end of the text", 0},
    {"x = ; y = 1", "I801", 1, 5, "expected an expression, got ';'", 1},
    {"x = 3 4\ny = 1", "I801", 1, 7, "expected the end of the line, got '4'", 1},
    {"x = 'abc\ny = 1", "I801", 1, 5, "never closed", 1},
    {"x = '''abc\ny = 1", "I801", 1, 5, "triple quotes", 0},
    {"x = '\\x4'", "I801", 1, 5, "a wrong escape", 0},
    {"x = 0777", "I801", 1, 5, "'0777' is not a number", 0},
    {"x = 1__0", "I801", 1, 5, "'1__0' is not a number", 0},
    {"x = 3x", "I801", 1, 5, "'3x' is not a number", 0},
    {"x = 1.2.3", "I801", 1, 5, "'1.2.3' is not a number", 0},
    {"x = 0x", "I801", 1, 5, "'0x' is not a number", 0},
    {"x = 9223372036854775808", "I801", 1, 5, "does not fit in 64 bits", 0},
    {"x = a $ b", "I801", 1, 7, "the character '$' (U+0024)", 0},
    {"x = 3 \xe2\x88\x92 1", "I801", 1, 7, "(U+2212)", 0},
    {"x\x01", "I801", 1, 2, "a control character (U+0001)", 0},
    {"f(a=1, 2)", "I801", 1, 8, "an argument without a name behind one with a name", 1},
    {"3 = x", "I801", 1, 1, "a constant is nothing that can be assigned to", 0},
    {"f() = x", "I801", 1, 1, "a call is nothing that can be assigned to", 0},
    {"a + b += x", "I801", 1, 1, "an expression is nothing that can be assigned to", 0},
    {"x.3", "I801", 1, 2, "expected the end of the line, got '.3'", 0},
    {"x.(y)", "I801", 1, 3, "expected a name behind '.'", 0},
    {"x[]", "I801", 1, 3, "expected an index", 0},
    {"import 3", "I801", 1, 8, "a module's name", 0},
    {"from a import", "I801", 1, 14, "a name to import", 0},
    {"for x on y:\n  z\nw", "I801", 1, 7, "expected 'in', got 'on'", 1},
    {"if a\n  b\nelse:\n  c\nd", "I801", 1, 5, "expected ':', got the end of the line", 1},
    {"if a:\nb", "I801", 1, 6, "expected an indented block", 2},
    {"a\n  b\nc", "I801", 2, 3, "indented further", 3},
    {"a if b", "I801", 1, 7, "expected 'else'", 0},
    {"return = 3", "I801", 1, 8, "expected the end of the line, got '='", 0},
    {"def f(3): x\ny", "I801", 1, 7, "expected a parameter, got '3'", 1},
    {"z = [Conv2D(f, 3) for f in a]\ny = 1", "I806", 1, 5, "list comprehension", 2},
    {"f(x for x in y)", "I806", 1, 3, "generator", 1},
    {"x = (y for y in z)", "I806", 1, 5, "generator", 1},
    {"x = {a: b for a in c}", "I806", 1, 5, "dict comprehension", 1},
    {"x = {1, 2}", "I806", 1, 5, "set", 1},
    {"f(lambda x, *y, z=1: x / 255, name='a')", "I806", 1, 3, "lambda", 1},
    {"while x:\n  y = 1\nelse:\n  z = 1\nw = 1", "I806", 1, 1, "'while'", 2},
    {"try:\n  x\nexcept (A, B) as e:\n  y\nfinally:\n  z\nw", "I806", 1, 1, "'try'", 2},
    {"match x:\n  case 1: pass\ny", "I806", 1, 1, "'match'", 2},
    {"@tf.function\ndef f(): pass", "I806", 1, 1, "decorator", 1},
    {"def f():\n  global x\n  x = 1", "I806", 2, 3, "'global'", 1},
    {"def f(): yield 1", "I806", 1, 10, "yield", 1},
    {"x = await f()", "I806", 1, 5, "await", 1},
    {"x = [*a, b]", "I806", 1, 6, "unpacking", 1},
    {"a, *b = c", "I806", 1, 4, "unpacking", 1},
    {"x = 1 << 5", "I806", 1, 5, "bit arithmetic", 1},
    {"x |= 5", "I806", 1, 1, "bit arithmetic", 1},
    {"x = b'a'", "I806", 1, 5, "bytes", 1},
    {"x = 3j", "I806", 1, 5, "complex number", 1},
    {"f((n := 3))", "I806", 1, 3, ":=", 1},
    {"for i in a: b\nelse: c", "I806", 2, 1, "'else' of a loop", 1},
    {"async def f(): pass", "I806", 1, 1, "'async'", 1},
};

static void what_is_wrong_is_told_where_it_stands(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        const refusal *expected = &refusals[i];
        reading r;
        read_text(&r, expected->text);
        const cni_remark *remark = &r.remarks.items[0];
        if (r.remarks.errors != 1) fail_msg("%s: %d errors, %s", expected->text, r.remarks.errors, remark[1].text);
        if (strcmp(remark->id, expected->id) != 0 || remark->span.line != expected->line ||
            remark->span.column != expected->column || !strstr(remark->text, expected->message))
            fail_msg("%s: %d:%d: %s: %s", expected->text, remark->span.line, remark->span.column, remark->id,
                     remark->text);
        if (r.module->count != expected->statements)
            fail_msg("%s: %zu statements are read", expected->text, r.module->count);
        end_reading(&r);
    }
}

static void a_note_is_no_error(void **state)
{
    (void)state;
    reading r;
    read_text(&r, "assert x\n# cornu: of K302");
    assert_int_equal(r.remarks.errors, 0);
    assert_int_equal(r.remarks.count, 2);
    assert_int_equal(r.remarks.items[0].severity, CNI_NOTE);
    assert_string_equal(r.remarks.items[1].text, "'# cornu: of' means nothing here");
    end_reading(&r);
}

static void twenty_errors_are_kept_in_the_order_of_the_text(void **state)
{
    (void)state;
    reading r;
    cni_text text = {0};
    for (int i = 0; i < 100; i++) cni_text_add(&text, i % 2 ? "x = [y for y in z] 3\n" : "assert a\n");
    read_text(&r, cni_text_get(&text));
    assert_int_equal(r.remarks.errors, 100);
    int errors = 0;
    for (int i = 0; i < r.remarks.count; i++) {
        if (i) assert_true(r.remarks.items[i - 1].span.line <= r.remarks.items[i].span.line);
        errors += r.remarks.items[i].severity == CNI_ERROR;
    }
    assert_int_equal(errors, CNI_MAX_ERRORS);
    assert_true(r.remarks.count <= CNI_MAX_REMARKS);
    cni_text_free(&text);
    end_reading(&r);
}

/* ---- comments ---- */

static void special_comments_are_kept(void **state)
{
    (void)state;
    reading r;
    read_text(&r, "# cornu: input 32x32x3\nx = f(1,  # cornu: off K302,P201\n  2)\n#cornu:off C501\n"
                  "# cornu:name  my_net \ns = '# cornu: off T601'");
    assert_string_equal(r.comments.input, "32x32x3");
    assert_string_equal(r.comments.name, "my_net");
    assert_int_equal(r.comments.off_count, 3);
    assert_string_equal(r.comments.off[1].id, "P201");
    assert_int_equal(r.comments.off[1].line, 2);
    assert_string_equal(r.comments.off[2].id, "C501");
    assert_int_equal(r.comments.off[2].line, 4);
    end_reading(&r);
}

/* ---- printing ---- */

static void remarks_are_printed_below_their_line(void **state)
{
    (void)state;
    cni_arena arena = {0};
    static const char text[] = "from keras import layers\r\n\rmodel = Sequential([\n"
                               "\t   layers.Conv2D(32, (3, 3), stride=2, padding='same'),\n])";
    cni_description description = {.file = "model.py", .text = text, .text_size = sizeof text - 1};
    cni_remarks remarks = {.arena = &arena};
    cni_remark_add(&remarks, "I803", CNI_ERROR, (cni_span){4, 31, 4, 37},
                   "Keras calls it 'strides'; 'stride' is the PyTorch name", "%s() has no argument '%s'", "Conv2D",
                   "stride");
    cni_remark_add(&remarks, "I808", CNI_NOTE, (cni_span){0}, NULL, "two models");
    cni_remark_add(&remarks, "I807", CNI_HINT, (cni_span){3, 20, 5, 2}, NULL, "over lines");
    cni_remark_add(&remarks, "I807", CNI_HINT, (cni_span){3, 20, 5, 2}, NULL, "over lines"); /* once */
    assert_int_equal(remarks.count, 3);
    cni_text out = {0};
    for (int i = 0; i < remarks.count; i++) cni_remark_print(&out, &description, &remarks.items[i], 0);
    assert_string_equal(cni_text_get(&out), "model.py:3:20: hint I807: over lines\n"
                                            "    3 | model = Sequential([\n"
                                            "      |                    ^\n"
                                            "model.py:4:31: error I803: Conv2D() has no argument 'stride'\n"
                                            "    4 |     layers.Conv2D(32, (3, 3), stride=2, padding='same'),\n"
                                            "      |                               ^~~~~~\n"
                                            "      = Keras calls it 'strides'; 'stride' is the PyTorch name\n"
                                            "model.py: note I808: two models\n");
    cni_text_free(&out);
    cni_arena_free(&arena);
}

static void a_long_line_is_shown_around_its_place(void **state)
{
    (void)state;
    cni_arena arena = {0};
    char text[1001];
    memset(text, 'a', 1000);
    text[500] = 'X';
    text[1000] = '\0';
    cni_description description = {.file = "f", .text = text, .text_size = 1000};
    cni_remarks remarks = {.arena = &arena};
    cni_remark_add(&remarks, "I801", CNI_ERROR, (cni_span){1, 501, 1, 502}, NULL, "here");
    cni_text out = {0};
    cni_remark_print(&out, &description, &remarks.items[0], 0);
    const char *line = strchr(cni_text_get(&out), '\n') + 1, *below = strchr(line, '\n') + 1;
    assert_true(below - line < 200);
    assert_int_equal(line[strcspn(below, "^")], 'X');
    cni_text_free(&out);
    cni_arena_free(&arena);
}

/* Of a message every word is there, however narrow the page; of the source line what the caret points at. */
static void what_is_wider_than_the_page_goes_on_below(void **state)
{
    (void)state;
    cni_arena arena = {0};
    static const char text[] =
        "model = Sequential([Input((28, 28, 1)), Conv2D(32, 3, padding='same', activation='rleu'), "
        "MaxPooling2D(), Flatten(), Dense(10)])";
    cni_description description = {.file = "model.py", .text = text, .text_size = sizeof text - 1};
    cni_remarks remarks = {.arena = &arena};
    cni_remark_add(&remarks, "I804", CNI_ERROR, (cni_span){1, 71, 1, 88},
                   "one two three four five six seven eight nine ten",
                   "Conv2D(): activation='rleu': unknown activation; did you mean 'relu'?");
    cni_text out = {0};
    cni_remark_print(&out, &description, &remarks.items[0], 60);
    assert_string_equal(cni_text_get(&out), "model.py:1:71: error I804: Conv2D(): activation='rleu':\n"
                                            "        unknown activation; did you mean 'relu'?\n"
                                            "    1 | ...dding='same', activation='rleu'), MaxPooling2D...\n"
                                            "      |                  ^~~~~~~~~~~~~~~~~\n"
                                            "      = one two three four five six seven eight nine ten\n");
    cni_text_free(&out);
    cni_remark_print(&out, &description, &remarks.items[0], 50);
    for (const char *at = cni_text_get(&out), *end; *at; at = end + 1) {
        end = strchr(at, '\n');
        assert_non_null(end);
        assert_true(end - at <= 50);
    }
    cni_text_free(&out);
    cni_arena_free(&arena);
}

/* ---- detecting ---- */

static void texts_are_told_from_files(void **state)
{
    (void)state;
    static const char bad[][12] = {"PK\x03\x04", "\x89HDF\r\n", "  {\"a\": 1}", "",
                                   "\xff\xfe",   "a\x02",       "<html>",       " \n"};
    static const char *const good[] = {"[Conv2D(32, 3)]", "x = 1", "\xEF\xBB\xBFx", "Conv2D(8, 3)\t\r\n\f"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (cni_source_detect(bad[i], strlen(bad[i]))) fail_msg("%s is a text", bad[i]);
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        if (!cni_source_detect(good[i], strlen(good[i]))) fail_msg("%s is no text", good[i]);
    assert_false(cni_source_detect("a\0b", 3));
}

/* ---- hostile texts ---- */

/* Every text without any one of its words, and with any one of them twice. */
static void damage(const char *text, size_t size)
{
    cni_arena arena = {0};
    cni_remarks remarks = {.arena = &arena};
    cni_source_comments comments = {0};
    cni_tokens tokens;
    assert_true(cni_tokens_read(&arena, text, size, &remarks, &comments, &tokens));
    char *changed = malloc(2 * size);
    assert_non_null(changed);
    for (int i = 0; i < tokens.count; i++) {
        const size_t start = tokens.items[i].start, length = tokens.items[i].size;
        reading r;
        memcpy(changed, text, start);
        memcpy(changed + start, text + start + length, size - start - length);
        read_bytes(&r, changed, size - length);
        end_reading(&r);
        memcpy(changed, text, start + length);
        memcpy(changed + start + length, text + start, size - start);
        read_bytes(&r, changed, size + length);
        end_reading(&r);
    }
    free(changed);
    cni_tokens_free(&tokens);
    cni_arena_free(&arena);
}

static void damaged_texts_are_read_without_harm(void **state)
{
    (void)state;
    char folder[4096], path[4500], text[1 << 14];
    DIR *entries = opendir(source_path(folder, "tests/fuzz/seeds/source"));
    assert_non_null(entries);
    int files = 0;
    for (struct dirent *entry; (entry = readdir(entries));) {
        if (entry->d_name[0] == '.') continue;
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        FILE *file = fopen(path, "rbe");
        assert_non_null(file);
        const size_t size = fread(text, 1, sizeof text, file);
        fclose(file);
        damage(text, size);
        files++;
    }
    closedir(entries);
    assert_true(files >= 5);
}

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* 1 MiB of the same again and again. */
static void large_texts_end_quickly(void **state)
{
    (void)state;
    static const struct {
        const char *begin, *again;
        int errors; /* at least; -1: none */
    } cases[] = {
        {"", "(", 1},
        {"", "[", 1},
        {"", "x=f(\n", 1},
        {"", ")", 1},
        {"", ")\n", 1},
        {"", "-", 1},
        {"x = ", "a+", 1},
        {"", "a.", 1},
        {"", "a,b\n", -1},
        {"", "f(a)\n", -1},
        {"", "not ", 1},
        {"", "lambda:", 1},
        {"x=", "a if b else ", 1},
        {"from ", ".", 1},
        {"from ", "a.", 1},
        {"", "'a'\n", -1},
        {"x=", "'a'", -1},
        {"x = '", "a", 1},
        {"x=", "1", 1},
        {"x=", "1.e", 1},
        {"", "\n", -1},
        {"", "# x\n", -1},
        {"", ">>> x\n", -1},
        {"", "if a:b\n", -1},
        {"if a:b\n", "elif a:b\n", 1},
        {"", "x=(1,[\n", 1},
        {"", "a=", 1},
        {"x=[", "1,", 1},
        {"x", "**x", 1},
        {"", "f(", 1},
        {"", "x\n  ", 1},
        {"", "\\\n", -1},
        {"", "try:x\n", 1},
        {"", "@a\n", 1},
        {"", "{1:", 1},
    };
    const size_t size = (size_t)1 << 20;
    char *text = malloc(size);
    assert_non_null(text);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const size_t begin = strlen(cases[i].begin), length = strlen(cases[i].again);
        memcpy(text, cases[i].begin, begin);
        for (size_t at = begin; at < size; at++) text[at] = cases[i].again[(at - begin) % length];
        reading r;
        const double start = seconds();
        read_bytes(&r, text, size - (size - begin) % length);
        const double spent = seconds() - start;
        if (spent > 10) fail_msg("%s... takes %.1f s", cases[i].again, spent);
        if (cases[i].errors < 0 ? r.remarks.errors : r.remarks.errors < cases[i].errors)
            fail_msg("%s...: %d errors, %s", cases[i].again, r.remarks.errors, r.remarks.items[0].text);
        end_reading(&r);
    }
    free(text);
}

static void what_is_no_text_is_an_error(void **state)
{
    (void)state;
    reading r;
    read_bytes(&r, "x = 1\xff", 6);
    assert_int_equal(r.remarks.errors, 1);
    assert_string_equal(r.remarks.items[0].text, "the text is not UTF-8");
    end_reading(&r);
    char *large = calloc(1, (1 << 20) + 1);
    assert_non_null(large);
    memset(large, ' ', (1 << 20) + 1);
    read_bytes(&r, large, (1 << 20) + 1);
    assert_string_equal(r.remarks.items[0].text, "the text is larger than 1 MiB");
    end_reading(&r);
    free(large);
}

static void an_exhausted_arena_gives_null(void **state)
{
    (void)state;
    static const char text[] = "x = layers.Conv2D(32, (3, 3), padding='same')(y)\nassert z\n";
    int failed = 0, done = 0;
    for (size_t budget = 1; budget < 20000; budget += 37) {
        cni_arena arena;
        cni_arena_init(&arena, budget);
        cni_remarks remarks = {.arena = &arena};
        cni_source_comments comments = {0};
        if (cni_syntax_read(&arena, text, sizeof text - 1, &remarks, &comments))
            done++;
        else
            failed++;
        assert_int_equal(remarks.errors, 0);
        cni_arena_free(&arena);
    }
    assert_true(failed > 0 && done > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(trees_are_as_in_python),
        cmocka_unit_test(spans_count_characters),
        cmocka_unit_test(what_is_wrong_is_told_where_it_stands),
        cmocka_unit_test(a_note_is_no_error),
        cmocka_unit_test(twenty_errors_are_kept_in_the_order_of_the_text),
        cmocka_unit_test(special_comments_are_kept),
        cmocka_unit_test(remarks_are_printed_below_their_line),
        cmocka_unit_test(a_long_line_is_shown_around_its_place),
        cmocka_unit_test(what_is_wider_than_the_page_goes_on_below),
        cmocka_unit_test(texts_are_told_from_files),
        cmocka_unit_test(damaged_texts_are_read_without_harm),
        cmocka_unit_test(large_texts_end_quickly),
        cmocka_unit_test(what_is_no_text_is_an_error),
        cmocka_unit_test(an_exhausted_arena_gives_null),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
