# SPDX-License-Identifier: Apache-2.0
# Material for sessions:  . $SOURCE/tests/cli/data.sh
# digits FOLDER: 12 pictures of 6x6 in MNIST's files; those of class 1 are bright, those of class 0 dark.
digits() {
    mkdir -p "$1"
    for part in train t10k; do
        printf '\000\000\010\003\000\000\000\014\000\000\000\006\000\000\000\006' >"$1/$part-images-idx3-ubyte"
        printf '\000\000\010\001\000\000\000\014' >"$1/$part-labels-idx1-ubyte"
        for i in 0 1 2 3 4 5 6 7 8 9 10 11; do
            if [ $((i % 2)) = 0 ]; then pixel='\020' label='\000'; else pixel='\360' label='\001'; fi
            for p in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18; do printf "$pixel\\$(printf %03o $((64 + i + p)))"; done >>"$1/$part-images-idx3-ubyte"
            printf "$label" >>"$1/$part-labels-idx1-ubyte"
        done
    done
}

# model FILE LAST_LAYERS COMPILE: a configuration for 6x6 pictures.
model() {
    cat >"$1" <<END
{"class_name": "Sequential", "config": {"name": "small", "layers": [
  {"class_name": "InputLayer", "config": {"batch_shape": [null, 6, 6, 1]}},
  {"class_name": "Rescaling", "config": {"scale": 0.00392156862745098}},
  {"class_name": "Conv2D", "config": {"name": "conv", "filters": 4, "kernel_size": [3, 3], "activation": "relu"}},
  {"class_name": "Flatten", "config": {}},
  $2]}, "compile_config": ${3:-null}}
END
}
two='{"class_name": "Dense", "config": {"units": 2, "activation": "softmax"}}'
adam='{"optimizer": {"class_name": "Adam", "config": {"learning_rate": 0.01}}, "loss": "sparse_categorical_crossentropy", "metrics": ["accuracy"]}'
