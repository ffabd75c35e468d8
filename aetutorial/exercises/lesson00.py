"""The warm-up exercise of lesson 0."""

from __future__ import annotations

from aetutorial import data, metrics
from aetutorial.exercises import Exercise, Wrong
from aetutorial.exercises.expect import expect_model, layer_widths
from aetutorial.exercises.trained import outputs


def _check_two_numbers(answer: object) -> str:
    model = expect_model(answer, (64,), (64,))
    widths = layer_widths(model)
    if widths and min(widths) != 2:
        raise Wrong(f"The narrowest layer of this autoencoder has {min(widths)} units: let it have 2.")
    digits = data.load("digits")
    x_train, x_test = digits.x_train.reshape(-1, 64), digits.x_test.reshape(-1, 64)
    error = metrics.mse(x_test, outputs(model, x_test).clip(0, 1))
    kept = 1 - error / metrics.mse(x_test, 0 * x_test + x_train.mean(axis=0))
    if kept < 0.35:
        raise Wrong(
            f"It keeps {100 * kept:.0f} % of the variation: not trained yet? Run `compile` and `fit` for it, too."
        )
    if kept > 0.62:
        raise Wrong(f"It keeps {100 * kept:.0f} %, too much for two numbers: does a path lead around the narrow layer?")
    return f"2 of 64 numbers keep {100 * kept:.0f} % of the variation; 8 kept about 80 %."


two_numbers = Exercise(
    name="two_numbers",
    title="Only two numbers",
    kind="change",
    stars=1,
    prompt="""
        Squeeze the digits into 2 numbers instead of 8. Guess first: how much of the variation do they keep, and which
        digits will the network mix up? Then change one number in the cell with the autoencoder, run it, and run the
        cell below with `answer = autoencoder`. If you run the cell with the figures as well, it stops
        at its check mark, whose bound was made for 8 numbers; the figures are there.
        """,
    check=_check_two_numbers,
    hints=("Which layer is the narrow place?", "`layers.Dense(2)` in place of `layers.Dense(8)`; the rest stays."),
    solution="""
        import keras
        from keras import layers

        from aetutorial import data

        x_train = data.load("digits").x_train.reshape(-1, 64)
        keras.utils.set_random_seed(0)
        answer = keras.Sequential(
            [
                keras.Input((64,)),
                layers.Dense(64, activation="relu"),
                layers.Dense(2),
                layers.Dense(64, activation="relu"),
                layers.Dense(64, activation="sigmoid"),
            ]
        )
        answer.compile(optimizer=keras.optimizers.Adam(0.01), loss="mse")
        answer.fit(x_train, x_train, epochs=60, batch_size=128, verbose=0)
        """,
    why="0 and 4 come back best. 8 and 9 come back worst: they share their place in the plane with other digits.",
)
