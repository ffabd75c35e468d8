"""The exercises of lesson 2 on gradients, checked by central differences. Lesson 2 hands them on."""

from __future__ import annotations

import numpy as np

from aetutorial.exercises import Exercise, Wrong, call, close, expect_array, expect_function, name_mistake


def _sigmoid(a: np.ndarray) -> np.ndarray:
    return np.asarray(1 / (1 + np.exp(-a)))


def _loss(p: dict[str, np.ndarray], x: np.ndarray) -> float:
    """Return the squared error of a network with tanh on the code: a sum over features, a mean over examples."""
    x_hat = _sigmoid(np.tanh(x @ p["W_e"].T + p["b_e"]) @ p["W_d"].T + p["b_d"])
    return float(((x_hat - x) ** 2).sum(axis=1).mean())


def _nudged(p: dict[str, np.ndarray], x: np.ndarray, h: float = 1e-6) -> dict[str, np.ndarray]:
    """Return the gradient of the squared error by central differences."""
    slopes = {name: np.zeros_like(value) for name, value in p.items()}
    for name, value in p.items():
        for index in np.ndindex(value.shape):
            step = np.zeros_like(value)
            step[index] = h
            slopes[name][index] = (_loss(p | {name: value + step}, x) - _loss(p | {name: value - step}, x)) / (2 * h)
    return slopes


def _check_backward(answer: object) -> str:
    function = expect_function(answer, ("p", "x"))
    rng = np.random.default_rng(6)
    shapes = {"W_e": (3, 5), "b_e": (3,), "W_d": (5, 3), "b_d": (5,)}
    p, x = {name: rng.standard_normal(shape) for name, shape in shapes.items()}, rng.uniform(size=(7, 5))
    given = call(function, {name: value.copy() for name, value in p.items()}, x.copy())
    if not isinstance(given, dict) or set(given) != set(p):
        raise Wrong('Return a dict with the keys "W_e", "b_e", "W_d" and "b_d", as the faulty function does.')
    right = _nudged(p, x)
    g = {name: expect_array(given[name], shapes[name], what=f'slopes in "{name}"') for name in p}
    off = {name for name in p if not close(g[name], right[name], rtol=1e-4, atol=1e-5)}
    if off >= {"W_e", "b_e", "b_d"}:
        raise Wrong(
            "Only W_d is right. So delta_d is right, too. Compare each other array with central differences: one fault "
            "is on the way from delta_d to delta_e, another in b_d."
        )
    if off == {"W_e", "b_e"}:
        raise Wrong("W_d and b_d are right now, W_e and b_e are not. What lies between delta_d and delta_e?")
    if off == {"b_d"} and close(g["b_d"], right["b_d"] / len(x), rtol=1e-4):
        raise Wrong("The weights are right. b_d is 7 times too small, and the check used 7 images: was that a mean?")
    if off:
        wrong = " and ".join(sorted(off))
        raise Wrong(f"Central differences say otherwise about {wrong}; what the faulty function got right is broken.")
    return "All four arrays agree with central differences."


backward = Exercise(
    name="backward",
    lesson="lesson02",
    title="It trains, and it is wrong",
    kind="mend",
    prompt="""
        Somebody replaced the sigmoid on the code by tanh, another bend, and adapted the gradients. Train with them, and
        the loss falls from 12 to about 4. But there are two faults. Find and mend them: the four arrays must be the
        slopes of the squared error (a sum over pixels, a mean over images). Compare each array with `slopes` on a
        few images. Write a loss of your own for that, with tanh on the code: `squared_error` uses the sigmoid. Copy
        this, and mend it:

            def mended(p, x):
                z = np.tanh(x @ p["W_e"].T + p["b_e"])
                x_hat = decode(p, z)
                delta_d = 2 * (x_hat - x) * x_hat * (1 - x_hat) / len(x)
                delta_e = (delta_d @ p["W_d"]) * z * (1 - z)
                return {
                    "W_e": delta_e.T @ x,
                    "b_e": delta_e.sum(axis=0),
                    "W_d": delta_d.T @ z,
                    "b_d": delta_d.mean(axis=0),
                }
        """,
    check=_check_backward,
    hints=(
        "Which of the four arrays are wrong? Those that are right clear the lines they came from.",
        "What is the derivative of tanh, written with its value `z`? And every image of the batch adds to a bias.",
    ),
    solution="""
        import numpy as np


        def sigmoid(a):
            return 1 / (1 + np.exp(-a))


        def answer(p, x):
            z = np.tanh(x @ p["W_e"].T + p["b_e"])
            x_hat = sigmoid(z @ p["W_d"].T + p["b_d"])
            delta_d = 2 * (x_hat - x) * x_hat * (1 - x_hat) / len(x)
            delta_e = (delta_d @ p["W_d"]) * (1 - z**2)
            return {
                "W_e": delta_e.T @ x,
                "b_e": delta_e.sum(axis=0),
                "W_d": delta_d.T @ z,
                "b_d": delta_d.sum(axis=0),
            }
        """,
    why="The division by the batch's size is in `delta_d` already, and the slope of tanh is `1 - z**2`.",
)


def _check_delta(answer: object) -> str:
    function = expect_function(answer, ("x", "x_hat", "weights"))
    rng = np.random.default_rng(3)
    x, x_hat = rng.uniform(size=(5, 4)), rng.uniform(0.1, 0.9, size=(5, 4))
    weights = np.array([0.5, 1.0, 2.0, 4.0])
    delta = expect_array(call(function, x, x_hat, weights), (5, 4), what="gradients")
    by_output = 2 * weights * (x_hat - x) / 5  # the gradient with respect to x_hat
    right = by_output * x_hat * (1 - x_hat)
    mistakes = (
        (-right, "The sign is reversed: where x_hat is too large, the gradient is positive."),
        (right / 2, "The factor 2 from differentiating the square is missing."),
        (right * 5, "Divide by the number of examples: the loss is a mean over them."),
        (right / 4, "Divide by the number of examples only: the loss is a sum over features."),
        (right / weights, "The weights of the features are missing."),
        (by_output, "The derivative of the sigmoid is missing: the gradient is with respect to a_d, before it."),
    )
    name_mistake(delta, mistakes, rtol=1e-4, atol=1e-6)
    if not close(delta, right, rtol=1e-4, atol=1e-6):  # an answer may compute in float32
        raise Wrong("The values are off: derive it for one pixel first, then for all.")
    return "It equals the derivative on paper."


output_delta = Exercise(
    name="output_delta",
    lesson="lesson02",
    title="Some pixels matter more",
    kind="fill in",
    prompt=r"""
        Suppose that pixel $j$ counts with a weight $w_j \ge 0$: the loss is the mean over the $n$ examples of the sum
        over pixels of $w_j (\hat x_j - x_j)^2$. The output is still `x_hat = sigmoid(a_d)`. Write

            def output_delta(x, x_hat, weights)

        which returns the gradient of this loss with respect to `a_d`. `x` and `x_hat` have shape (n, D), `weights` has
        shape (D,), the result has shape (n, D).
        """,
    check=_check_delta,
    hints=(
        "Only one factor is new. Start from the squared error's `delta_d` in the lesson.",
        "The derivative of `w (x_hat - x)^2` is `w` times `2 (x_hat - x)` times `x_hat (1 - x_hat)`; "
        "then the mean over n.",
    ),
    solution="""
        def answer(x, x_hat, weights):
            return 2 * weights * (x_hat - x) * x_hat * (1 - x_hat) / len(x)
        """,
    why="The weight is a constant factor, so it passes through the chain rule unchanged.",
)


def _tied_loss(W: np.ndarray, b_e: np.ndarray, b_d: np.ndarray, x: np.ndarray) -> float:
    x_hat = _sigmoid(_sigmoid(x @ W.T + b_e) @ W + b_d)
    return float(((x_hat - x) ** 2).sum(axis=1).mean())


def _check_tied(answer: object) -> str:
    function = expect_function(answer, ("W", "b_e", "b_d", "x"))
    rng = np.random.default_rng(4)
    W, x = rng.standard_normal((3, 5)), rng.uniform(size=(7, 5))
    b_e, b_d = rng.standard_normal(3), rng.standard_normal(5)
    g = expect_array(call(function, W, b_e, b_d, x), (3, 5), what="gradients")
    numerical = np.zeros_like(W)
    for index in np.ndindex(W.shape):
        ends = []
        for step in (1e-6, -1e-6):
            moved = W.copy()
            moved[index] += step
            ends.append(_tied_loss(moved, b_e, b_d, x))
        numerical[index] = (ends[0] - ends[1]) / 2e-6
    z = _sigmoid(x @ W.T + b_e)
    x_hat = _sigmoid(z @ W + b_d)
    delta_d = 2 * (x_hat - x) * x_hat * (1 - x_hat) / len(x)
    encoder_part = ((delta_d @ W.T) * z * (1 - z)).T @ x
    mistakes = (
        (encoder_part, "Only the encoder's part is there; W is used a second time, in the decoder."),
        (numerical - encoder_part, "Only the decoder's part is there; W is used in the encoder, too."),
        (numerical / 5, "That is the gradient of a mean over features; the loss is a sum over them."),
        (numerical * 7, "Divide by the number of examples: the loss is a mean over them."),
    )
    name_mistake(g, mistakes, rtol=1e-4, atol=1e-5)
    if not close(g, numerical, rtol=1e-4, atol=1e-5):  # an answer may compute in float32
        worst = float(np.abs(g - numerical).max())
        raise Wrong(f"It differs from central differences by up to {worst:.2g}.")
    return "It agrees with central differences."


tied = Exercise(
    name="tied",
    lesson="lesson02",
    title="One matrix for both networks",
    kind="build",
    prompt=r"""
        Tie the weights: the decoder uses the encoder's matrix transposed, $z = \sigma(W x + b_e)$ and
        $\hat x = \sigma(W^T z + b_d)$. Half the weights are gone. Write

            def tied_gradient(W, b_e, b_d, x)

        which returns the gradient of the squared error $L$ (sum over features, mean over examples) with respect to
        `W`. `W` has shape (d, D), `x` has shape (n, D). Derive it: `W` is used in two places. Test yourself with
        central differences before you ask the check.
        """,
    check=_check_tied,
    hints=(
        "`W` is used in two places. A derivative with respect to something that occurs twice is the sum of two parts.",
        "The encoder's part is `delta_e.T @ x`, as before, with `W` in the place of `W_d` transposed.",
        "The decoder's part is the transpose of `delta_d.T @ z`: it has to have the shape of `W`.",
    ),
    solution="""
        import numpy as np


        def answer(W, b_e, b_d, x):
            z = 1 / (1 + np.exp(-(x @ W.T + b_e)))
            x_hat = 1 / (1 + np.exp(-(z @ W + b_d)))
            delta_d = 2 * (x_hat - x) * x_hat * (1 - x_hat) / len(x)
            delta_e = (delta_d @ W.T) * z * (1 - z)
            return delta_e.T @ x + z.T @ delta_d
        """,
    why="A small change of `W` moves the loss through the encoder and through the decoder; the effects add.",
)
