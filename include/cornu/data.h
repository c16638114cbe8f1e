/* SPDX-License-Identifier: Apache-2.0
 *
 * Cornu: data from files, as arrays for cn_fit, cn_evaluate and cn_predict, and results to files.
 *
 *     cn_dataset *clothes;
 *     const char *error;
 *     if (cn_dataset_load("fashion-mnist", NULL, &clothes, &error)) { puts(error); return 1; }
 *     const cn_data *train = cn_dataset_train(clothes), *test = cn_dataset_test(clothes);
 *     cn_fit(model, train->x, train->y, .epochs = 3, .validation_data = {test->x, test->y});
 *     cn_dataset_free(clothes);
 *
 * Functions that can fail and have no model to keep the reason take `const char **error`: one line, valid until the
 * next call of a function of this header by the same thread; NULL on success.  `error` itself may be NULL.
 */
#ifndef CORNU_DATA_H
#define CORNU_DATA_H

#include <cornu/cornu.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ------------------------------------------------------------------------------------------------- 1. data sets */

/** Arrays read from files, with what belongs to them; they live until it is freed.  Reading one is safe from any
 *  thread. */
typedef struct cn_dataset cn_dataset;

typedef struct cn_dataset_options {
    size_t struct_size;
    const cn_model *model; /* pictures are brought to the size and colours that its input takes; without one (or where
                            * its height and width are free) all must have the size of the first */
    int64_t memory;        /* bytes that the data may take; default 16 GiB */
    double scale; /* what inputs are multiplied by, 1.0 / 255 for a model of pixels from 0 to 1; they are float32
                   * then; default: they stay as they are */
} cn_dataset_options;

/** Loads the data set that `spec` names:
 *
 *  "fashion-mnist"  70,000 pictures of clothes, 28x28, from Debian's package dataset-fashion-mnist
 *  "mnist:DIR"      IDX files as those of MNIST (train-images-idx3-ubyte, ...), plain or gzipped
 *  "cifar10:DIR"    CIFAR-10's binary version (data_batch_1.bin, ...)
 *  "images:DIR"     a folder of PNG and JPEG pictures for each class, or train/ and test/ with such folders.  Labels
 * are the places of the folders in the order of their names, or among the names of the classes that the model knows
 * (cn_label).  Pictures stand mixed, so that every part of the array holds all classes. "FILE.npz"       arrays
 * x_train, y_train and optionally sample_weight, x_test, y_test; or x, y.  Several inputs or targets: x_train_0,
 * x_train_1, ... (or x0, x1, ...)
 *
 *  Pixels are uint8, labels integers.  Pictures of another size are resized (bilinear, half-pixel centres) and rounded.
 *  `options` may be NULL. */
CN_API cn_status cn_dataset_load(const char *spec, const cn_dataset_options *options, cn_dataset **dataset,
                                 const char **error);

/** Loads what a model shall predict: pictures (one row each), or .npy files (one for each input of the model), or one
 *  .npz.  They become cn_dataset_test's x. */
CN_API cn_status cn_dataset_load_inputs(int count, const char *const *paths, const cn_dataset_options *options,
                                        cn_dataset **dataset, const char **error);

/** Only the names of classes: of a data set as above ("fashion-mnist", "cifar10", "images:DIR"), or the lines of a text
 *  file. */
CN_API cn_status cn_dataset_load_labels(const char *spec, cn_dataset **dataset, const char **error);

/** NULL is accepted. */
CN_API void cn_dataset_free(cn_dataset *dataset);

/** The parts; NULL where there is no such part.  Arrays x, y, x, y in an .npz are the part for training. */
CN_API const cn_data *cn_dataset_train(const cn_dataset *dataset);
CN_API const cn_data *cn_dataset_test(const cn_dataset *dataset);

/** Classes by label; 0 and NULL where names are not known. */
CN_API int cn_dataset_class_count(const cn_dataset *dataset);
CN_API const char *cn_dataset_class_name(const cn_dataset *dataset, int label);

/** The file that a row of cn_dataset_load_inputs came from, when each row has its own (pictures); else NULL. */
CN_API const char *cn_dataset_row_name(const cn_dataset *dataset, int64_t row);

/** What the user should know about the loading ("3 of 10 pictures were resized to 28x28"); "" when nothing. */
CN_API const char *cn_dataset_note(const cn_dataset *dataset);

/** Rows of the first input. */
CN_API int64_t cn_data_rows(const cn_data *data);

/** A part as a compiled model's loss wants it: class numbers become rows of zeros with a one where the loss is
 *  categorical_crossentropy, as keras.utils.to_categorical makes them; all else stays.  The rows live as long as the
 *  data set. */
CN_API cn_status cn_dataset_suit(cn_dataset *dataset, const cn_model *model, const cn_data *part, cn_data *suited,
                                 const char **error);

/** Compiles a model for training on data, as far as it is not: what `args` names replaces what the model was compiled
 *  with; what neither names is chosen for the model's last layer and the kind of targets (softmax and whole numbers:
 *  sparse_categorical_crossentropy, adam, accuracy), and *chosen tells so in one line (static parts of the model, valid
 *  until the next call; NULL when nothing was chosen).  Errors: cn_error(model). */
CN_API cn_status cn_compile_for(cn_model *model, const cn_data *data, const cn_compile_args *args, const char **chosen);

/* ---------------------------------------------------------------------------------------------------- 2. results */

/** Element `index` of an array in C order, whatever its dtype; NaN outside. */
CN_API double cn_array_value(const cn_array *array, int64_t index);

/** Writes arrays: one as .npy, or any number as .npz under the given names (NULL: output_0, output_1, ...).  Atomic, as
 *  are the next two: the old file or the new one, whole.  "-" is standard output. */
CN_API cn_status cn_arrays_save(const char *path, int count, const cn_array *arrays, const char *const *names,
                                const char **error);

/** Writes Keras' History.history and "epoch" as one JSON object. */
CN_API cn_status cn_history_save(const cn_history *history, const char *path, const char **error);

/** Writes text to a file. */
CN_API cn_status cn_text_save(const char *path, const char *text, const char **error);

/* ---------------------------------------------------------------------------------------------------- 3. filters */

typedef struct cn_filter_options {
    size_t struct_size;
    const char *kernel; /* a name (cn_filter_kernel) or rows of numbers, "0 -1 0; -1 5 -1; 0 -1 0"; default identity */
    const char *border; /* cells outside: "edge" (default), "zero", "reflect", or "valid": none, a smaller result */
} cn_filter_options;

/** Filters a picture (PNG, JPEG) into a PNG: a correlation, as Conv2D computes it (the kernel is not flipped), of every
 *  channel in float32; results are rounded to the nearest whole number (halves to even) and clipped to 0..255; alpha is
 *  kept.  Kernels have 1 to 99 rows and columns; of an even number the odd cell of the border comes behind, as with
 *  'same'.  `options` may be NULL. */
CN_API cn_status cn_filter(const char *image, const char *out, const cn_filter_options *options, const char **error);

/** The kernels that have names, by index from 0; false behind the last.  Any of the pointers may be NULL. */
CN_API bool cn_filter_kernel(int index, const char **name, const char **numbers, const char **help);

#ifdef __cplusplus
}
#endif
#endif
