/* SPDX-License-Identifier: Apache-2.0
 * Operators: arithmetic on constants as Python does it, and on tensors as the layer that it stands for. */
#include "formats/source/evaluate.h"

#include <math.h>
#include <string.h>

enum { MAX_ITEMS = 10000, MAX_LENGTH = 10000 /* of lists and texts that operators make */ };

static bool is(const char *operator_, const char *text)
{
    return strcmp(operator_, text) == 0;
}

/* ---- numbers ---- */

static int64_t floor_divide(int64_t a, int64_t b)
{
    const int64_t q = a / b;
    return q - ((a % b != 0) && ((a < 0) != (b < 0)));
}

/* false: does not fit, or is not defined. */
static bool integer_power(int64_t base, int64_t exponent, int64_t *out)
{
    int64_t result = 1;
    if (exponent < 0) return false;
    if (base >= -1 && base <= 1) exponent = exponent > 2 ? 2 + exponent % 2 : exponent;
    for (int64_t i = 0; i < exponent; i++)
        if (__builtin_mul_overflow(result, base, &result)) return false;
    *out = result;
    return true;
}

static bool integers(const char *operator_, int64_t a, int64_t b, int64_t *out)
{
    if (is(operator_, "+")) return !__builtin_add_overflow(a, b, out);
    if (is(operator_, "-")) return !__builtin_sub_overflow(a, b, out);
    if (is(operator_, "*")) return !__builtin_mul_overflow(a, b, out);
    if (is(operator_, "**")) return integer_power(a, b, out);
    if (b == 0 || (a == INT64_MIN && b == -1)) return false;
    *out = is(operator_, "//") ? floor_divide(a, b) : a - floor_divide(a, b) * b;
    return is(operator_, "//") || is(operator_, "%");
}

static bool reals(const char *operator_, double a, double b, double *out)
{
    const bool divides = is(operator_, "/") || is(operator_, "//") || is(operator_, "%");
    if (divides && b == 0) return false;
    *out = is(operator_, "+")    ? a + b
           : is(operator_, "-")  ? a - b
           : is(operator_, "*")  ? a * b
           : is(operator_, "/")  ? a / b
           : is(operator_, "//") ? floor(a / b)
           : is(operator_, "%")  ? a - floor(a / b) * b
                                 : pow(a, b);
    return true;
}

static int64_t whole_of(const cni_thing *thing)
{
    return thing->type == CNI_THING_INT ? thing->integer : thing->truth;
}

static cni_thing *numbers(cni_evaluator *e, const char *operator_, cni_thing *a, cni_thing *b, cni_span span)
{
    int64_t integer;
    double real;
    const bool whole = a->type != CNI_THING_REAL && b->type != CNI_THING_REAL;
    const bool stays_real = is(operator_, "/") || (is(operator_, "**") && cni_thing_number(b) < 0);
    if (whole && !stays_real) {
        if (integers(operator_, whole_of(a), whole_of(b), &integer)) return cni_thing_int(e, integer, span);
    } else if (reals(operator_, cni_thing_number(a), cni_thing_number(b), &real))
        return cni_thing_real(e, real, span);
    return cni_evaluate_doubt(e, "I805", span, NULL, "the value of this '%s' is not defined or too large", operator_);
}

/* ---- texts and lists ---- */

static cni_thing *joined(cni_evaluator *e, const cni_thing *a, const cni_thing *b, cni_span span)
{
    if (a->type == CNI_THING_TEXT) {
        if (strlen(a->text) + strlen(b->text) > MAX_LENGTH) return cni_thing_opaque(e, span);
        const char *text = cni_arena_printf(e->arena, "%s%s", a->text, b->text);
        return text ? cni_thing_text(e, text, span) : (e->exhausted = true, e->broken);
    }
    if (a->count + b->count > MAX_ITEMS)
        return cni_evaluate_doubt(e, "I812", span, NULL, "a list of more than %d items", MAX_ITEMS);
    cni_thing *list = cni_thing_new(e, a->type, span);
    for (size_t i = 0; i < a->count; i++) cni_thing_append(e, list, a->items[i]);
    for (size_t i = 0; i < b->count; i++) cni_thing_append(e, list, b->items[i]);
    return list;
}

static cni_thing *repeated(cni_evaluator *e, const cni_thing *list, int64_t times, cni_span span)
{
    const int64_t count = (int64_t)list->count;
    if (list->type == CNI_THING_TEXT) return cni_thing_opaque(e, span);
    if (times > 0 && count > MAX_ITEMS / times)
        return cni_evaluate_doubt(e, "I812", span, NULL, "a list of more than %d items", MAX_ITEMS);
    cni_thing *out = cni_thing_new(e, list->type, span);
    for (int64_t i = 0; i < times; i++)
        for (size_t j = 0; j < list->count; j++) cni_thing_append(e, out, list->items[j]);
    return out;
}

static bool is_sequence(const cni_thing *thing)
{
    return thing->type == CNI_THING_TEXT || cni_thing_is_list(thing);
}

/* ---- tensors ---- */

static const struct merge {
    const char *operator_, *keras, *torch;
    const char *base; /* what PyTorch's are numbered by */
} merges[] = {
    {"+", "Add", "Add", "add"},
    {"-", "Subtract", "Sub", "sub"},
    {"*", "Multiply", "Mul", "mul"},
    {"/", NULL, "Div", "div"},
};

static cni_dialect dialect_of(const cni_evaluator *e, const cni_thing *a)
{
    if (a->type == CNI_THING_TENSOR) return e->layers[e->calls[a->tensor.call].described.layer].dialect;
    return e->torch && !e->keras ? CNI_TORCH : CNI_KERAS;
}

/* x / 255, 2 * x - 1: a scale and an offset. */
static cni_thing *scaled(cni_evaluator *e, const char *operator_, cni_thing *a, cni_thing *b, cni_span span)
{
    const bool tensor_first = a->type == CNI_THING_TENSOR;
    cni_thing *tensor = tensor_first ? a : b;
    const double number = cni_thing_number(tensor_first ? b : a);
    double scale = 1, offset = 0;
    if (is(operator_, "*"))
        scale = number;
    else if (is(operator_, "+"))
        offset = number;
    else if (is(operator_, "-"))
        scale = tensor_first ? 1 : -1, offset = tensor_first ? -number : number;
    else if (is(operator_, "/") && tensor_first && number != 0)
        scale = 1 / number;
    else
        return cni_evaluate_doubt(e, "I806", span, NULL, "'%s' with a tensor", operator_);
    return cni_apply_class(e, dialect_of(e, tensor), "Rescaling", NULL, tensor, span, "scale",
                           cni_thing_real(e, scale, span), "offset", cni_thing_real(e, offset, span), (char *)NULL);
}

static cni_thing *tensors(cni_evaluator *e, const char *operator_, cni_thing *a, cni_thing *b, cni_span span)
{
    const struct merge *merge = NULL;
    for (size_t i = 0; i < sizeof merges / sizeof *merges; i++)
        if (is(merges[i].operator_, operator_)) merge = &merges[i];
    const cni_dialect dialect = dialect_of(e, a->type == CNI_THING_TENSOR ? a : b);
    const char *class_name = !merge ? NULL : dialect == CNI_TORCH ? merge->torch : merge->keras;
    const bool number = cni_thing_is_number(a) || cni_thing_is_number(b);
    if (merge && number) return scaled(e, operator_, a, b, span);
    if (!class_name) return cni_evaluate_doubt(e, "I806", span, NULL, "'%s' of tensors is not read", operator_);
    cni_thing *both = cni_thing_new(e, CNI_THING_LIST, span);
    cni_thing_append(e, both, a);
    cni_thing_append(e, both, b);
    return cni_apply_class(e, dialect, class_name, merge->base, both, span, (char *)NULL);
}

/* ---- all of them ---- */

/* What comes from outside of the text: nothing is known of its value. */
static bool is_foreign(const cni_thing *thing)
{
    return thing->type == CNI_THING_VALUE || thing->type == CNI_THING_PATH || thing->type == CNI_THING_BOUND;
}

cni_thing *cni_evaluate_binary(cni_evaluator *e, const char *operator_, cni_thing *a, cni_thing *b, cni_span span)
{
    if (a->type == CNI_THING_BROKEN || b->type == CNI_THING_BROKEN) return a->type == CNI_THING_BROKEN ? a : b;
    if (is_foreign(a)) a = cni_thing_opaque(e, a->span);
    if (is_foreign(b)) b = cni_thing_opaque(e, b->span);
    if (a->type == CNI_THING_TENSOR || b->type == CNI_THING_TENSOR) {
        const cni_thing *other = a->type == CNI_THING_TENSOR ? b : a;
        if (other->type == CNI_THING_TENSOR || other->type == CNI_THING_OPAQUE || cni_thing_is_number(other))
            return other->type == CNI_THING_OPAQUE && !other->shape
                       ? (a->type == CNI_THING_TENSOR ? a : b) /* a number that is not known changes no geometry */
                       : tensors(e, operator_, a, b, span);
    }
    if (cni_thing_is_number(a) && cni_thing_is_number(b)) return numbers(e, operator_, a, b, span);
    if (is(operator_, "+") && a->type == b->type && is_sequence(a)) return joined(e, a, b, span);
    if (is(operator_, "*") && is_sequence(a) && b->type == CNI_THING_INT) return repeated(e, a, b->integer, span);
    if (is(operator_, "*") && is_sequence(b) && a->type == CNI_THING_INT) return repeated(e, b, a->integer, span);
    if (is(operator_, "%") && a->type == CNI_THING_TEXT) return cni_format_percent(e, a, b, span);
    if (a->type == CNI_THING_OPAQUE || b->type == CNI_THING_OPAQUE) {
        const cni_thing *array = a->shape ? a : b; /* an array stays one: x / 255 */
        return array->shape ? cni_thing_array(e, array->shape, span) : cni_thing_follows(e, a->doubt ? a : b, span);
    }
    return cni_evaluate_doubt(e, "I804", span, NULL, "'%s' of %s and %s", operator_, cni_thing_describe(a),
                              cni_thing_describe(b));
}

cni_thing *cni_evaluate_unary(cni_evaluator *e, const char *operator_, cni_thing *a, cni_span span)
{
    const int truth = cni_evaluate_truth(a);
    if (a->type == CNI_THING_BROKEN) return a;
    if (is(operator_, "not")) return truth < 0 ? cni_thing_opaque(e, span) : cni_thing_bool(e, !truth, span);
    if (a->type == CNI_THING_OPAQUE) return a->shape ? cni_thing_array(e, a->shape, span) : cni_thing_opaque(e, span);
    if (is(operator_, "-") && a->type == CNI_THING_TENSOR) return scaled(e, "*", a, cni_thing_int(e, -1, span), span);
    if (is(operator_, "+") && a->type == CNI_THING_TENSOR) return a;
    if (!cni_thing_is_number(a))
        return cni_evaluate_doubt(e, "I804", span, NULL, "'%s' of %s", operator_, cni_thing_describe(a));
    if (is(operator_, "+")) return a;
    if (a->type == CNI_THING_REAL && is(operator_, "-")) return cni_thing_real(e, -a->real, span);
    const int64_t integer = a->type == CNI_THING_INT ? a->integer : a->truth;
    if (is(operator_, "~")) return cni_thing_int(e, ~integer, span);
    return numbers(e, "-", cni_thing_int(e, 0, span), a, span);
}

/* ---- truth ---- */

/* sys.argv, torch.__version__: not a class or function of a framework, which are true. */
static bool is_outside_value(const cni_thing *thing)
{
    static const char *const known[] = {"keras", "builtins", "torch.nn", "tensorflow.nn", "tensorflow.math"};
    if (thing->type != CNI_THING_PATH) return false;
    const char *last = cni_path_last(thing->text);
    for (size_t i = 0; *last != '_' && i < sizeof known / sizeof *known; i++)
        if (cni_path_under(thing->text, known[i])) return false;
    const bool function =
        *last != '_' && last == thing->text + strlen("torch.") && cni_path_under(thing->text, "torch");
    return !function;
}

int cni_evaluate_truth(const cni_thing *thing)
{
    if (is_outside_value(thing) || (thing->type == CNI_THING_BOUND && !thing->function)) return -1;
    switch (thing->type) {
    case CNI_THING_NONE:
        return 0;
    case CNI_THING_BOOL:
        return thing->truth;
    case CNI_THING_INT:
        return thing->integer != 0;
    case CNI_THING_REAL:
        return thing->real != 0;
    case CNI_THING_TEXT:
        return *thing->text != 0;
    case CNI_THING_TUPLE:
    case CNI_THING_LIST:
    case CNI_THING_DICT:
        return thing->count != 0;
    case CNI_THING_BROKEN:
    case CNI_THING_OPAQUE:
    case CNI_THING_TENSOR:
        return -1;
    default:
        return 1;
    }
}

static bool is_unknown(const cni_thing *thing)
{
    return thing->type == CNI_THING_OPAQUE || thing->type == CNI_THING_BROKEN || thing->type == CNI_THING_BOUND ||
           is_outside_value(thing);
}

/* 1, 0 or -1 */
static int holds(cni_evaluator *e, const cni_thing *list, const cni_thing *item)
{
    if (list->type == CNI_THING_TEXT) return item->type == CNI_THING_TEXT ? strstr(list->text, item->text) != NULL : -1;
    const bool dict = list->type == CNI_THING_DICT;
    if (!dict && !cni_thing_is_list(list)) return -1;
    for (size_t i = 0; i < list->count; i++) {
        const cni_thing *other = dict ? list->keys[i] : list->items[i];
        if (is_unknown(other)) return -1;
        if (cni_thing_equal(e, other, item)) return 1;
    }
    return 0;
}

/* The order of two numbers or two texts: -1, 0, 1; 2 where there is none. */
static int order(const cni_thing *a, const cni_thing *b)
{
    if (a->type == CNI_THING_TEXT && b->type == CNI_THING_TEXT) {
        const int by_bytes = strcmp(a->text, b->text);
        return (by_bytes > 0) - (by_bytes < 0);
    }
    if (!cni_thing_is_number(a) || !cni_thing_is_number(b)) return 2;
    const double x = cni_thing_number(a), y = cni_thing_number(b);
    return (x > y) - (x < y);
}

cni_thing *cni_evaluate_compare(cni_evaluator *e, const char *operator_, cni_thing *a, cni_thing *b, cni_span span)
{
    static const struct {
        const char *operator_;
        bool results[3]; /* for less, equal, greater */
    } orders[] = {{"<", {true, false, false}},
                  {"<=", {true, true, false}},
                  {">", {false, false, true}},
                  {">=", {false, true, true}}};
    if (a->type == CNI_THING_BROKEN || b->type == CNI_THING_BROKEN) return a->type == CNI_THING_BROKEN ? a : b;
    const bool negated = is(operator_, "not in") || is(operator_, "is not") || is(operator_, "!=");
    int truth = -1;
    if (is_unknown(a) || is_unknown(b))
        truth = -1;
    else if (is(operator_, "in") || is(operator_, "not in"))
        truth = holds(e, b, a);
    else if (is(operator_, "==") || is(operator_, "!=") || is(operator_, "is") || is(operator_, "is not"))
        truth = cni_thing_equal(e, a, b);
    const int by = truth < 0 && !is_unknown(a) && !is_unknown(b) ? order(a, b) : 2;
    for (size_t i = 0; by != 2 && i < sizeof orders / sizeof *orders; i++)
        if (is(orders[i].operator_, operator_)) return cni_thing_bool(e, orders[i].results[by + 1], span);
    return truth < 0 ? cni_thing_opaque(e, span) : cni_thing_bool(e, truth != negated, span);
}
