model.add(Conv2D(32, 3)
model.add(Dense(10))
z = [Conv2D(f, 3) for f in a if f] + {1, 2} + (lambda x, *y: x)(3)
while True:
    z = 3
else: pass
try:
    pass
except E as e:
    raise
@tf.function
def f(*a, **k): yield 1
with strategy.scope() as s, b: x[1:2, ..., None] = b'1' + 3j + 0777 + 1__0 + '\x4'
x = y := 3 << 4
  indented = (1, 2]
Conv2D(32, 3,
