/* SPDX-License-Identifier: Apache-2.0
 * Texts: names of layers are put together from numbers, and looked at. */
#include "formats/source/evaluate.h"

#include "base/text.h"

#include <inttypes.h>
#include <string.h>

enum { MAX_LENGTH = 10000 };

static bool show(cni_text *out, const cni_thing *thing)
{
    char buffer[32];
    if (thing->type == CNI_THING_TEXT)
        cni_text_add(out, thing->text);
    else if (thing->type == CNI_THING_INT)
        cni_text_printf(out, "%" PRId64, thing->integer);
    else if (thing->type == CNI_THING_REAL)
        cni_text_add(out, cni_show_real(thing->real, buffer));
    else if (thing->type == CNI_THING_BOOL)
        cni_text_add(out, thing->truth ? "True" : "False");
    else
        return false;
    return out->length <= MAX_LENGTH;
}

/* The text, or something opaque where it is not known. */
static cni_thing *finish(cni_evaluator *e, cni_text *text, bool known, cni_span span)
{
    const char *kept = known && !text->failed ? cni_arena_text(e->arena, cni_text_get(text)) : NULL;
    cni_text_free(text);
    return kept ? cni_thing_text(e, kept, span) : cni_thing_opaque(e, span);
}

/* %d, %s, %i, with nothing between; anything else is not computed. */
cni_thing *cni_format_percent(cni_evaluator *e, const cni_thing *format, const cni_thing *given, cni_span span)
{
    const bool many = given->type == CNI_THING_TUPLE;
    const size_t count = many ? given->count : 1;
    size_t next = 0;
    bool known = true;
    cni_text text = {0};
    for (const char *c = format->text; *c && known; c++) {
        if (*c != '%') {
            cni_text_char(&text, *c);
            continue;
        }
        const char what = *++c;
        if (what == '%')
            cni_text_char(&text, '%');
        else
            known = what && strchr("dsi", what) && next < count && show(&text, many ? given->items[next++] : given);
        if (!what) break;
        if (!many && what != '%') next++;
    }
    return finish(e, &text, known, span);
}

/* {}, {0}, {name}, without a format behind it */
static const cni_thing *field(cni_actuals *actuals, const char *name, size_t length, int *next)
{
    char key[32];
    int64_t index;
    if (length >= sizeof key) return NULL;
    memcpy(key, name, length);
    key[length] = '\0';
    if (!length) return cni_actuals_thing(actuals, (*next)++, NULL);
    if (!cni_read_int(key, length, &index)) return cni_actuals_thing(actuals, -1, key);
    return index >= 0 && index < 64 ? cni_actuals_thing(actuals, (int)index, NULL) : NULL;
}

static cni_thing *format(cni_evaluator *e, const cni_thing *of, cni_actuals *actuals)
{
    cni_text text = {0};
    bool known = true;
    int next = 0;
    for (const char *c = of->text; *c && known; c++) {
        const bool twice = (*c == '{' || *c == '}') && c[1] == *c;
        if (twice || *c != '{') {
            c += twice;
            cni_text_char(&text, *c);
            continue;
        }
        const size_t length = strcspn(c + 1, "}");
        const cni_thing *thing = c[1 + length] ? field(actuals, c + 1, length, &next) : NULL;
        known = thing && show(&text, thing);
        if (known) c += 1 + length;
    }
    return finish(e, &text, known, actuals->span);
}

static cni_thing *join(cni_evaluator *e, const cni_thing *of, cni_actuals *actuals)
{
    const cni_thing *list = cni_actuals_thing(actuals, 0, NULL);
    bool known = list && cni_thing_is_list(list);
    cni_text text = {0};
    for (size_t i = 0; known && i < list->count; i++) {
        if (i) cni_text_add(&text, of->text);
        known = list->items[i]->type == CNI_THING_TEXT && show(&text, list->items[i]);
    }
    return finish(e, &text, known, actuals->span);
}

static cni_thing *change_case(cni_evaluator *e, const cni_thing *of, bool upper, cni_span span)
{
    cni_text text = {0};
    for (const char *c = of->text; *c; c++) {
        const bool letter = upper ? *c >= 'a' && *c <= 'z' : *c >= 'A' && *c <= 'Z';
        cni_text_char(&text, letter ? (char)(*c ^ 0x20) : *c);
    }
    return finish(e, &text, true, span);
}

static cni_thing *compare_end(cni_evaluator *e, const cni_thing *of, bool end, cni_actuals *actuals)
{
    const cni_thing *part = cni_actuals_thing(actuals, 0, NULL);
    if (!part || part->type != CNI_THING_TEXT) return cni_thing_opaque(e, actuals->span);
    const size_t length = strlen(part->text), whole = strlen(of->text);
    const char *from = end && length <= whole ? of->text + whole - length : of->text;
    return cni_thing_bool(e, length <= whole && strncmp(from, part->text, length) == 0, actuals->span);
}

cni_thing *cni_call_text(cni_evaluator *e, cni_thing *of, const char *name, cni_actuals *actuals)
{
    if (strcmp(name, "format") == 0) return format(e, of, actuals);
    if (strcmp(name, "join") == 0) return join(e, of, actuals);
    if (strcmp(name, "lower") == 0) return change_case(e, of, false, actuals->span);
    if (strcmp(name, "upper") == 0) return change_case(e, of, true, actuals->span);
    if (strcmp(name, "startswith") == 0) return compare_end(e, of, false, actuals);
    if (strcmp(name, "endswith") == 0) return compare_end(e, of, true, actuals);
    return cni_thing_opaque(e, actuals->span);
}
