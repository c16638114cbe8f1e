/* SPDX-License-Identifier: Apache-2.0
 * A model in a program: load it, then predict again and again without allocating.
 *     predict model.keras     without an argument a small model is made first */
#include <cornu/cornu.h>
#include <stdio.h>
#include <stdlib.h>

static bool make_model(const char *path)
{
    cn_model *model = cn_sequential();
    cn_add(model, cn_input({28, 28, 1}));
    cn_add(model, cn_conv2d(8, {3, 3}, .activation = "relu"));
    cn_add(model, cn_global_average_pooling2d());
    cn_add(model, cn_dense(10, .activation = "softmax"));
    cn_save(model, path);
    const bool made = !cn_failed(model);
    if (!made) fprintf(stderr, "%s\n", cn_error(model));
    cn_model_free(model);
    return made;
}

/* Values of one row of an input or output. */
static size_t count(int rank, const int64_t *shape)
{
    size_t values = 1;
    for (int i = 1; i < rank; i++) values *= shape[i] > 0 ? (size_t)shape[i] : 1;
    return values;
}

int main(int argc, char **argv)
{
    const char *path = argc > 1 ? argv[1] : "small.keras", *error;
    cn_model *model;
    if (argc < 2 && !make_model(path)) return 1;
    if (cn_load(path, NULL, &model, &error)) return fprintf(stderr, "%s\n", error), 1;

    int64_t in[CN_MAX_RANK], out[CN_MAX_RANK];
    const size_t pixels = count(cn_input_shape(model, 0, in), in);
    const size_t classes = count(cn_output_shape(model, 0, out), out);
    cn_predictor *predictor = cn_predictor_new(model, 1, 1);
    float *image = (float *)calloc(pixels, sizeof *image), *answer = (float *)calloc(classes, sizeof *answer);
    if (!predictor || !image || !answer) return fprintf(stderr, "%s\n", cn_error(model)), 1;
    cn_model_free(model); /* the predictor has its own copy of the weights */

    for (int n = 0; n < 3; n++) {
        for (size_t i = 0; i < pixels; i++) image[i] = (float)((i * (size_t)(n + 1)) % 7) / 7;
        const float *inputs[] = {image};
        float *outputs[] = {answer};
        if (cn_predictor_run(predictor, 1, inputs, outputs))
            return fprintf(stderr, "%s\n", cn_predictor_error(predictor)), 1;
        size_t best = 0;
        for (size_t i = 1; i < classes; i++)
            if (answer[i] > answer[best]) best = i;
        printf("picture %d: class %zu, probability %.3f\n", n, best, (double)answer[best]);
    }
    cn_predictor_free(predictor);
    free(image);
    free(answer);
    return 0;
}
