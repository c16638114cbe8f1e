/* SPDX-License-Identifier: Apache-2.0
 * Kinds, fields and objects: everything that is data about a kind stands once, in its table of fields.
 *
 * A kind is one class of Keras (a layer, an initializer, an optimizer, ...): a name, the struct that holds its
 * arguments, and one row per argument.  From the rows come: reading Keras' JSON and Keras text, the C keyword structs,
 * defaults, range checks with their messages, Keras' JSON again, and `cornu help`.  A family is a closed table of
 * kinds. An object is a kind with its arguments filled in.
 *
 *     #define ARGS cn_dense_args
 *     static const cni_field fields[] = {
 *         CNI_FIELD(units, "units", CNI_REQUIRED, NULL, 1, 1e9, "number of outputs"),
 *         CNI_OBJECT(activation, "activation", &cni_activations, 0, "linear", "what the sums pass through"),
 *         CNI_FIELD(no_bias, "use_bias", CNI_NEGATED, "True", 0, 0, "add a bias vector"),
 *         CNI_LAYER_FIELDS,
 *     };
 */
#ifndef CNI_KIND_H
#define CNI_KIND_H

#include "base/arena.h"
#include "base/error.h"
#include "base/random.h"
#include "base/value.h"

#include <cornu/cornu.h>

#include <stddef.h>

typedef struct cni_family cni_family;
typedef struct cni_kind cni_kind;
typedef struct cni_object cni_object;
typedef struct cni_field cni_field;

/** How a member of an argument struct is read, checked, shown and written.  Once filled in:
 *  CNI_FIELD_INT    int       None is CNI_NONE_INT
 *  CNI_FIELD_PAIR   int[2]    both given
 *  CNI_FIELD_SIZES  int[3]    the field's `axes` of them given; None is CNI_NONE_INT where zeros are allowed, else 0
 *  CNI_FIELD_REAL   double    None is NaN; where an object of `family` may stand for it, NaN too
 *  CNI_FIELD_BOOL   bool      as the member says: with CNI_NEGATED the opposite of Keras' argument
 *  CNI_FIELD_TEXT   const char *   None is NULL; `choices` restricts it
 *  CNI_FIELD_OBJECT const char *   what was given in C; the object itself is in cni_object.objects
 *  CNI_FIELD_PADDING, CNI_FIELD_FORMAT    never the default value
 *  CNI_FIELD_SIDES  int[2][2] {{top, bottom}, {left, right}}
 *  CNI_FIELD_BORDERS int[3][2] {before, after} of the field's `axes`; of one axis Keras has it flat: (1, 2)
 *  CNI_FIELD_INTS   int[8]    ends at 0 (an int stands for a list of one; with CNI_ZEROS a zero is CN_ZERO_INT)
 *  CNI_FIELD_REALS  double[16] ends at +0.0 (a number stands for a list of one; -0.0 is a zero)
 *  CNI_FIELD_TUPLE  cni_tuple  one integer, several, or one of `choices`: PyTorch's sizes (padding=1, (1, 2), 'same') */
typedef enum cni_field_type {
    CNI_FIELD_INT,
    CNI_FIELD_PAIR,
    CNI_FIELD_SIZES,
    CNI_FIELD_REAL,
    CNI_FIELD_BOOL,
    CNI_FIELD_TEXT,
    CNI_FIELD_OBJECT,
    CNI_FIELD_PADDING,
    CNI_FIELD_FORMAT,
    CNI_FIELD_SIDES,
    CNI_FIELD_BORDERS,
    CNI_FIELD_INTS,
    CNI_FIELD_REALS,
    CNI_FIELD_TUPLE,
    CNI_FIELD_NOTHING /* no member: an argument that Keras has and Cornu takes only at its default */
} cni_field_type;

enum {
    CNI_REQUIRED = 1,       /* no default */
    CNI_NEGATED = 2,        /* the member is the opposite of Keras' argument */
    CNI_NULLABLE = 4,       /* may be None */
    CNI_FLOAT = 8,          /* Keras wants a float: an int is refused (learning_rate) */
    CNI_UNWRITTEN = 16,     /* not written to JSON while it has its default */
    CNI_EARLY = 32,         /* written after dtype when it is set (activity_regularizer) */
    CNI_READ_ONLY = 64,     /* read and checked, never written (autocast) */
    CNI_OPEN = 128,         /* `min` itself is not allowed */
    CNI_FLOAT32 = 256,      /* Keras keeps it in float32: written as the float's value (learning_rate) */
    CNI_SHOWN_SINGLE = 512, /* INTS, REALS: a list of one is written as a number; INT: may be read from one (axis) */
    CNI_NONES = 1024,       /* INTS: CN_NONE is written as None (batch_shape); TUPLE: may hold None */
    CNI_ZEROS = 2048,       /* INTS, PAIR, SIZES: zeros are allowed (a constraint's axis, output_padding) */
    CNI_NO_MEMBER = 4096,   /* OBJECT: the C struct has no member for it; Keras' text and JSON do */
    CNI_WHOLE = 8192,       /* REAL, REALS: whole numbers are written without a fraction (decay_steps) */
    CNI_SHOWN_LIST = 16384, /* REALS: a list of one stays a list (boundaries); INTS: None is written as an empty one */
    CNI_ANY_CASE = 32768    /* TEXT: `choices` are read whatever their case (padding) */
};

#define CNI_NONE_INT (CN_ZERO_INT + 1)

/** One integer or several, zeros among them; a None is CNI_NONE_INT.  An argument that is None has none and no text. */
typedef struct cni_tuple {
    int count, at[CN_MAX_RANK];
    const char *text; /* "same"; or NULL */
} cni_tuple;

struct cni_field {
    const char *key; /* Keras' name of the argument */
    size_t offset;   /* in the struct of arguments */
    const char *member; /* its name there, as the macros below take it */
    cni_field_type type;
    unsigned flags;
    const char *otherwise;      /* the default as Keras text; NULL with CNI_REQUIRED, "None" for none */
    double min, max;            /* both 0: any */
    const char *help;           /* one line */
    const cni_family *family;   /* CNI_FIELD_OBJECT */
    const char *const *choices; /* CNI_FIELD_TEXT, CNI_FIELD_TUPLE: NULL-terminated */
    const char *old_key;        /* how older files call it, or NULL */
    int axes;                   /* CNI_FIELD_SIZES, CNI_FIELD_BORDERS: 1 to 3 */
    size_t text_offset; /* a number that may be an object of `family` instead (learning_rate): the member of the C
                           struct that takes the object as Keras text; 0 = none */
};

/** The rows of one kind; `ARGS` names the struct.  The type follows from the member: an unknown one does not compile.
 */
#define CNI_TYPE_OF_(m)                                                                                                \
    _Generic(&((ARGS *)0)->m, int *: CNI_FIELD_INT, int(*)[2]: CNI_FIELD_PAIR, double *: CNI_FIELD_REAL,              \
             bool *: CNI_FIELD_BOOL, const char **: CNI_FIELD_TEXT, cn_padding *: CNI_FIELD_PADDING,                  \
             cn_data_format *: CNI_FIELD_FORMAT, int(*)[2][2]: CNI_FIELD_SIDES, int(*)[8]: CNI_FIELD_INTS,            \
             int(*)[3]: CNI_FIELD_SIZES, int(*)[3][2]: CNI_FIELD_BORDERS, double(*)[16]: CNI_FIELD_REALS,              \
             cni_tuple *: CNI_FIELD_TUPLE)
#define CNI_FIELD(m, key_, flags_, default_, min_, max_, help_)                                                        \
    {                                                                                                                  \
        .key = (key_), .offset = offsetof(ARGS, m), .member = #m, .type = CNI_TYPE_OF_(m), .flags = (flags_),          \
        .otherwise = (default_), .min = (min_), .max = (max_), .help = (help_)                                         \
    }
#define CNI_OBJECT(m, key_, family_, flags_, default_, help_)                                                          \
    {                                                                                                                  \
        .key = (key_), .offset = offsetof(ARGS, m), .member = #m, .type = CNI_FIELD_OBJECT, .flags = (flags_),         \
        .otherwise = (default_), .help = (help_), .family = (family_)                                                  \
    }
#define CNI_CHOICE(m, key_, choices_, default_, help_)                                                                 \
    {                                                                                                                  \
        .key = (key_), .offset = offsetof(ARGS, m), .member = #m, .type = CNI_FIELD_TEXT,                              \
        .otherwise = (default_), .help = (help_), .choices = (choices_)                                                \
    }
/** One number for each of so many axes; {before, after} for each of them. */
#define CNI_AXES(m, key_, axes_, flags_, default_, min_, max_, help_)                                                  \
    {                                                                                                                  \
        .key = (key_), .offset = offsetof(ARGS, m), .member = #m, .type = CNI_TYPE_OF_(m), .flags = (flags_),          \
        .otherwise = (default_), .min = (min_), .max = (max_), .help = (help_), .axes = (axes_)                        \
    }
/** As CNI_OBJECT, for a kind without a struct in cornu.h. */
#define CNI_NESTED(key_, family_, flags_, default_, help_)                                                             \
    {                                                                                                                  \
        .key = (key_), .type = CNI_FIELD_OBJECT, .flags = (flags_) | CNI_NO_MEMBER, .otherwise = (default_),           \
        .help = (help_), .family = (family_)                                                                           \
    }
/** As CNI_FIELD, for an argument that older files call `old_`. */
#define CNI_RENAMED(m, key_, old_, flags_, default_, min_, max_, help_)                                                \
    {                                                                                                                  \
        .key = (key_), .offset = offsetof(ARGS, m), .member = #m, .type = CNI_TYPE_OF_(m), .flags = (flags_),          \
        .otherwise = (default_), .min = (min_), .max = (max_), .help = (help_), .old_key = (old_)                      \
    }
/** An argument that is accepted at this value only: anything else is refused as not supported. */
#define CNI_ONLY(key_, default_, flags_)                                                                               \
    {                                                                                                                  \
        .key = (key_), .type = CNI_FIELD_NOTHING, .flags = (flags_), .otherwise = (default_)                           \
    }

struct cni_kind {
    const char *name;           /* Keras' class: "HeNormal" */
    const char *const *aliases; /* other spellings that are read, NULL-terminated: "he_normal"; or NULL */
    const char *module;         /* "keras.initializers"; NULL: the family's */
    size_t args_size;           /* of the struct of arguments; 0: no arguments */
    size_t public_size;         /* what of it stands in cornu.h, when that is less; or 0 */
    const cni_field *fields;    /* in the order of Keras' constructor */
    size_t field_count;
    const char *order;          /* the keys in the order of Keras' JSON, when another: "name alpha trainable dtype" */
    const char *written_as;     /* a function that Keras cannot save with arguments: the layer that can stand for it */
    bool ignores_unknown;       /* unknown keys of a dict are passed over, as Keras does here */
    const char *help;           /* for people: one line */
    const char *formula;        /* or NULL; several are parted by ";  " */
    const char *keras;          /* an example in Keras' text; NULL: the name alone will do */
    const char *example;        /* the same in C, where there is a macro for it */
    /** Rules across arguments and defaults that depend on another one.  Messages name the argument. */
    cn_status (*check)(void *args, cni_error *error);
    bool any_case;   /* its names are read whatever their case: "adam", "ADAM" */
    bool draws_seed; /* an object without a `seed` draws a default one when it is made */
};
#define CNI_FIELDS(rows) .fields = (rows), .field_count = sizeof(rows) / sizeof *(rows)

/** A closed table of kinds.  Rows may be larger structs that begin with their cni_kind. */
struct cni_family {
    const char *what;   /* for messages: "activation" */
    const char *module; /* "keras.activations" */
    const cni_kind *const *kinds;
    size_t count;
    bool written_by_name; /* JSON holds just the name when all arguments have their defaults (activations) */
    const char *none;     /* the name that None stands for ("linear"), or NULL */
    /** Names, whatever their case, that Keras has and Cornu lacks, NULL-terminated; or NULL. */
    const char *const *absent;
};

struct cni_object {
    const cni_kind *kind;
    const cni_family *family;
    void *args;           /* kind->args_size bytes, filled in; NULL when 0 */
    cni_object **objects; /* by the index of the field; NULL where it is None or no object */
    const char *given;    /* the name as it was given ("mse" for MeanSquaredError) */
    bool by_name;         /* given as a bare name, without arguments */
    uint32_t seed;        /* draws_seed: the seed in use */
};

/** What the making of objects needs: where they live, who draws default seeds, what the context says. */
typedef struct cni_maker {
    cni_arena *arena;
    cni_mt19937 *seeds;         /* Python's generator; NULL: seeds are not drawn (0) */
    cn_data_format data_format; /* the context's */
    cni_error *error;
} cni_maker;

/** Makes an object of a family from a value: a name, a call, or {"class_name", "config"}.  `where` begins the messages,
 *  e.g. `Conv2D "stem": kernel_initializer`.  A null value gives NULL. */
cn_status cni_object_make(const cni_maker *maker, const cni_family *family, const cni_value *value, const char *where,
                          cni_object **object);

/** The same for a known kind, from a dict of arguments (the "config") or a call.  Unknown keys are errors. */
cn_status cni_object_read(const cni_maker *maker, const cni_kind *kind, const cni_value *config, const char *where,
                          cni_object **object);

/** The same from a C struct whose first member is a size_t with its size. */
cn_status cni_object_copy(const cni_maker *maker, const cni_kind *kind, const void *args, const char *where,
                          cni_object **object);

/** The "config" dict in Keras' order, and {"module", "class_name", "config", "registered_name"} round it.  NULL when
 * out of memory.  cni_object_write(NULL) is null. */
cni_value *cni_object_config(cni_arena *arena, const cni_object *object);
cni_value *cni_object_write(cni_arena *arena, const cni_object *object);

/** The member of the arguments behind a key; NULL when the kind has no such member. */
void *cni_object_member(const cni_object *object, const char *key);

/** The nested object of a field; NULL when None. */
const cni_object *cni_object_of(const cni_object *object, const char *key);

const cni_kind *cni_family_find(const cni_family *family, const char *name);
/** The nearest name of the family, or NULL. */
const char *cni_family_nearest(const cni_family *family, const char *name);

/** Number of entries of an INTS or REALS member. */
int cni_ints_count(const int *ints);
int cni_reals_count(const double *reals);

#endif
