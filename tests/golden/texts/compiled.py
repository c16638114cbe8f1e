from tensorflow.keras import layers, models, optimizers, losses, metrics, regularizers, callbacks

def conv(x, filters, **more):
    x = layers.Conv2D(filters, 3, padding="same", use_bias=False, kernel_regularizer=regularizers.L2(1e-4), **more)(x)
    x = layers.BatchNormalization(momentum=0.9)(x)
    return layers.LeakyReLU(negative_slope=0.1)(x)

inputs = layers.Input((32, 32, 3), name="image")
x = conv(inputs, 16)
for width, stride in [(16, 1), (32, 2), (64, 2)]:
    x = conv(x, width, strides=stride) if stride > 1 else conv(x, width)
x = layers.GlobalAveragePooling2D()(x)
model = models.Model(inputs=inputs, outputs=layers.Dense(10)(x))
model.compile(
    optimizer=optimizers.SGD(learning_rate=0.05, momentum=0.9, nesterov=True),
    loss=losses.SparseCategoricalCrossentropy(from_logits=True),
    metrics=["accuracy", metrics.SparseTopKCategoricalAccuracy(k=3, name="top3")],
)
stop = callbacks.EarlyStopping(monitor="val_loss", patience=3, restore_best_weights=True)
model.fit(x_train, y_train, 64, 20, validation_data=(x_test, y_test), shuffle=False, class_weight={0: 1.0, 3: 2.5},
          callbacks=[stop, callbacks.ReduceLROnPlateau(factor=0.5, patience=0)], initial_epoch=2)
