from types import SimpleNamespace

from npdl.layers import BatchNormal, Dense

layer = BatchNormal()
layer.connect_to(SimpleNamespace(out_shape=(None, 3)))
print(f"{len(layer.params)} params, {len(layer.grads)} grads; under the name grades there are {len(layer.grades)}")
try:
    Dense(2).connect_to(layer)
except AttributeError as error:
    print("a layer after it: AttributeError:", error)
