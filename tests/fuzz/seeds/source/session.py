>>> model = Sequential([
...     Conv2D(8, 3, padding=“same”),
... ])
>>> model.output_shape
(None, 26, 26, 8)

%matplotlib inline
!pip install keras
x = Conv2D(32,\
  3)(x)
