"""training.fit against Keras's own fit; its progress line; what it refuses."""

from __future__ import annotations

import numpy as np
import pytest

from aetutorial import training

rng = np.random.default_rng(0)
X = rng.normal(size=(50, 4)).astype("float32")
Y = X[:, :1] ** 2


def model(outputs: int = 4, *, dropout: float = 0.0, compiled: bool = True):
    import keras

    keras.utils.set_random_seed(1)
    layers = [keras.Input((4,)), keras.layers.Dropout(dropout), keras.layers.Dense(outputs)]
    made = keras.Sequential(layers)
    if compiled:
        made.compile("adam", loss="mse")
    return made


def same(a, b) -> bool:
    return all((v == w).all() for v, w in zip(a.get_weights(), b.get_weights(), strict=True))


def seen(written: str) -> list[str]:
    """Return what a terminal shows: a carriage return goes to the start of the line and overwrites."""
    lines = []
    for line in written.split("\n"):
        shown: list[str] = []
        for part in line.split("\r"):
            shown[: len(part)] = part
        lines.append("".join(shown).rstrip())
    return lines


# --- what is trained -----------------------------------------------------------------------------


def test_it_agrees_with_keras():
    import keras

    ours, theirs = model(1, dropout=0.3), model(1, dropout=0.3)
    history = training.fit(
        ours, X, Y, epochs=3, batch_size=16, seed=5, validation_data=(X[:9], Y[:9]), progress=False
    )
    keras.utils.set_random_seed(5)
    expected = theirs.fit(
        X, Y, epochs=3, batch_size=16, validation_data=(X[:9], Y[:9]), verbose=0
    ).history
    assert isinstance(history, keras.callbacks.History)
    assert history.history.keys() == expected.keys()
    for name, losses in expected.items():
        np.testing.assert_allclose(history.history[name], losses, rtol=1e-5)
    for a, b in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-7)


def test_the_seed_settles_the_result():
    results = []
    for seed in (0, 0, 1):
        results.append(model(dropout=0.3))
        training.fit(results[-1], X, epochs=2, batch_size=8, seed=seed, progress=False)
    assert same(results[0], results[1])
    assert not same(results[0], results[2])


def test_without_targets_the_input_is_the_target():
    ours, theirs = model(), model()
    first = training.fit(ours, X, epochs=2, validation_data=X[:5], progress=False).history
    second = training.fit(
        theirs, X, X, epochs=2, validation_data=(X[:5], X[:5]), progress=False
    ).history
    assert first == second
    assert set(first) == {"loss", "val_loss"}
    assert len(first["loss"]) == 2
    assert same(ours, theirs)


def test_history_without_validation():
    history = training.fit(model(), X.tolist(), epochs=1, progress=False).history
    assert list(history) == ["loss"]


def watcher(**functions):
    import keras

    return keras.callbacks.LambdaCallback(**functions)


@pytest.mark.parametrize("jit", [True, False, "auto"])
def test_jit_is_handed_on_and_put_back(jit):
    import keras

    trained, plain = model(), model()
    trained.jit_compile = plain.jit_compile = False
    during = []
    note = watcher(on_epoch_begin=lambda epoch, logs: during.append(trained.jit_compile))
    training.fit(trained, X, epochs=2, jit=jit, callbacks=[note], progress=False)
    assert during == [jit is True] * 2
    assert trained.jit_compile is False
    keras.utils.set_random_seed(0)
    plain.fit(X, X, epochs=2, batch_size=128, verbose=0)
    for a, b in zip(trained.get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


def test_settings_are_put_back_after_a_failure():
    def fail(epoch, logs):
        raise KeyError("mine")

    trained = model()
    before = trained.steps_per_execution, trained.jit_compile
    with pytest.raises(KeyError, match="mine"):
        training.fit(trained, X, epochs=1, jit=True, callbacks=[watcher(on_epoch_end=fail)])
    assert (trained.steps_per_execution, trained.jit_compile) == before
    assert np.isfinite(training.fit(trained, X, epochs=1, progress=False).history["loss"]).all()


@pytest.mark.parametrize("kind", ["a class", "a LambdaCallback"])
def test_who_listens_to_batches_hears_each(kind):
    import keras

    heard = []

    class Listener(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            heard.append(batch)

    lambdas = watcher(on_train_batch_end=lambda batch, logs: heard.append(batch))
    callback = Listener() if kind == "a class" else lambdas
    ours, quiet = model(), model()
    training.fit(ours, X, epochs=2, batch_size=16, callbacks=[callback], progress=False)
    assert heard == [0, 1, 2, 3] * 2
    training.fit(quiet, X, epochs=2, batch_size=16, progress=False)
    for a, b in zip(ours.get_weights(), quiet.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6)


def test_callbacks_work(capsys):
    import keras

    stop = keras.callbacks.EarlyStopping(monitor="loss", patience=1, min_delta=1e9)
    history = training.fit(model(), X, epochs=50, callbacks=(stop,))
    assert len(history.history["loss"]) == 2
    assert seen(capsys.readouterr().out)[0].startswith("epoch 2/50: loss ")


# --- the progress line ---------------------------------------------------------------------------


def test_the_line_that_stays_holds_the_last_losses_and_no_timing(capsys):
    history = training.fit(model(), X, epochs=3, validation_data=X[:5]).history
    expected = f"epoch 3/3: loss {history['loss'][-1]:.4g}, val_loss {history['val_loss'][-1]:.4g}"
    assert seen(capsys.readouterr().out) == [expected, ""]


def test_a_slow_training_rewrites_one_line(capsys):
    import time

    import keras

    class Slow(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            time.sleep(0.25)

    training.fit(model(), X, epochs=3, callbacks=[Slow()])
    captured = capsys.readouterr()
    parts = [part for part in captured.out.split("\r") if part.strip()]
    assert [part.split(":")[0] for part in parts] == ["epoch 1/3", "epoch 2/3", "epoch 3/3"]
    assert all(part.rstrip().endswith(" s left") for part in parts[:-1])
    assert captured.out.count("\n") == 1
    (line, _) = seen(captured.out)
    assert "left" not in line
    assert line.startswith("epoch 3/3: loss ")
    assert captured.err == ""


def test_no_progress_no_output(capsys):
    training.fit(model(), X, epochs=1, progress=False)
    assert capsys.readouterr() == ("", "")


# --- what is refused -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "error", "said"),
    [
        ({"model": None}, TypeError, "`model` must be a keras.Model. Received: None"),
        ({"model": model}, TypeError, "`model` must be a keras.Model"),
        ({"epochs": 0}, ValueError, "`epochs` must be an integer of at least 1"),
        ({"epochs": 1.5}, TypeError, "`epochs` must be an integer"),
        ({"epochs": True}, TypeError, "`epochs` must be an integer"),
        ({"batch_size": 0}, ValueError, "`batch_size` must be an integer of at least 1"),
        ({"batch_size": None}, TypeError, "`batch_size`"),
        ({"seed": -1}, ValueError, "`seed`"),
        ({"jit": "yes"}, ValueError, "`jit` must be one of 'auto', True, False"),
        ({"x": X[:0]}, ValueError, "`x` must be an array of at least 1 row, not empty"),
        ({"x": X[0]}, ValueError, "`x` must be an array with 2 or 3 or 4 or 5 dimensions"),
        ({"x": X * np.nan}, ValueError, "`x` must be an array of finite numbers"),
        ({"x": [["a"]]}, TypeError, "`x` must be an array of numbers"),
        ({"y": X[:9]}, ValueError, r"`y` must be an array of 50 rows. Received: .* \(9, 4\)"),
        ({"y": X * np.inf}, ValueError, "`y` must be an array of finite numbers"),
        ({"validation_data": (X,)}, ValueError, "`validation_data` .* pair .* Received: 1 items"),
        ({"validation_data": (X, X, X)}, ValueError, "Received: 3 items"),
        ({"validation_data": (X, X[:3])}, ValueError, "`validation_data` must be an array of 50"),
        ({"validation_data": X * np.nan}, ValueError, "`validation_data` .* finite numbers"),
        ({"callbacks": ["stop"]}, TypeError, "`callbacks` must be a list of Keras callbacks"),
        ({"callbacks": None}, TypeError, "`callbacks` must be a list of .* Received: None"),
        ({"checkpoint": "a"}, NotImplementedError, "`checkpoint` must be None: it is not avail"),
        ({"strategy": "a"}, NotImplementedError, "`strategy` must be None: it is not available"),
    ],
)
def test_fit_refuses(capsys, changes, error, said):
    untouched = model()
    with pytest.raises(error, match=said):
        training.fit(**({"model": untouched, "x": X, "epochs": 1} | changes))
    assert same(untouched, model())
    assert capsys.readouterr().out == ""


def test_fit_refuses_a_model_that_is_not_compiled():
    with pytest.raises(ValueError, match=r"`model` must be compiled\. Received: a model on which"):
        training.fit(model(compiled=False), X, epochs=1)
