import keimport keras
from keraras
from keras import layers
s import layers

# cornu: name mnist_net

# cornu: name model = keras.Seqmu