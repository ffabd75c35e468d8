# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 0 · Start here
#
# **Reading** 5 min · **working through** 10 min · **runs in** 20 s<!-- times -->
#
# [Open in Binder](https://mybinder.org/v2/gh/OWNER/autoencoder-course/HEAD?urlpath=lab/tree/notebooks/00_start_here.ipynb) · [Open in Colab](https://colab.research.google.com/github/OWNER/autoencoder-course/blob/HEAD/notebooks/00_start_here.ipynb)
#
# An **autoencoder** is a neural network that squeezes data into a few numbers, its **code**, and restores the data from them. The half that squeezes is called the **encoder**, the half that restores the **decoder**. Nobody tells them what the numbers should mean. They have to find that out.
#
# Why would you want that? From a good code you can restore what noise has damaged, notice what doesn't belong, find similar things without labels, and draw new ones. All of that comes. First, here is an autoencoder, from nothing to a result in a few seconds. Click into each gray cell and press Shift+Enter.
#
# <details><summary>On Colab, run this in a cell of its own first</summary>
#
# ```
# !git clone -q --depth 1 https://github.com/OWNER/autoencoder-course course
# import sys; sys.path.insert(0, "course")
# ```
# </details>

# %%
from aetutorial import data, lesson, metrics, plotting

lesson.begin(0)  # every lesson starts like this

import keras
from keras import layers

# %%
digits = data.load("digits")  # small handwritten digits, 8 × 8 pixels
x_train, x_test = digits.x_train.reshape(-1, 64), digits.x_test.reshape(-1, 64)

autoencoder = keras.Sequential(
    [
        keras.Input((64,)),
        layers.Dense(64, activation="relu"),
        layers.Dense(8),  # the narrow place: 64 pixels become 8 numbers
        layers.Dense(64, activation="relu"),
        layers.Dense(64, activation="sigmoid"),
    ]
)
autoencoder.compile(optimizer=keras.optimizers.Adam(0.01), loss="mse")
# what goes in is also what should come out: x_train, twice
history = autoencoder.fit(x_train, x_train, epochs=60, batch_size=128, verbose=0)

# %% tags=["hide-input"]
plotting.show(
    plotting.architecture(
        [
            ("input\n64 pixels", 64),
            ("64 units", 64),
            ("code\n8 numbers", 8),
            ("64 units", 64),
            ("output\n64 pixels", 64),
        ],
        code=2,
    ),
    "Five bars in a row, joined by lines, like an hourglass on its side: 64 pixels, 64 units, a code of 8 numbers, "
    "64 units, 64 pixels.",
    caption="The network. Left of the code is the encoder, right of it the decoder.",
)
x_hat = autoencoder.predict(x_test, verbose=0)
plotting.show(
    plotting.image_rows(
        {"input": x_test[:10].reshape(-1, 8, 8), "from 8 numbers": x_hat[:10].reshape(-1, 8, 8)}
    ),
    "Two rows of ten small digits. The second row, restored from 8 numbers each, looks like the "
    "first, a little softer.",
    caption="Above, digits that the network has never seen. Below, what it restored from 8 numbers each. Most come back. The fifth came back as something else.",
)
mean_image = x_train.mean(axis=0) + 0 * x_test
lesson.claim(
    "From 8 numbers each, the network restores this share of the variation of digits it has never seen",
    1 - metrics.mse(x_test, x_hat) / metrics.mse(x_test, mean_image),
    above=0.7,
    fails_under="no-training",
)

# %% [markdown]
# You have just trained a neural network. If Shift+Enter has drawn the two rows anew, your machine is ready as well. (To install the course on your own, see the [README](../README.md). You can also read it without running anything: all outputs are stored.)
#
# This course teaches what autoencoders are, what they are good for and, just as carefully, what they are not good for. You need first-year calculus and linear algebra, and basic Python with NumPy. You need no experience in machine learning and no graphics card, and once installed, the course needs no internet.
#
# ## The map

# %% tags=["hide-input"]
import matplotlib.pyplot as plt
from matplotlib.patches import FancyBboxPatch

places = {  # number: (column, row)
    1: (0, 1), 2: (1, 1), 3: (2, 1),
    4: (3, 2), 5: (3, 1), 6: (3, 0), 7: (4, 0), 8: (4, 2), 9: (4, 1),
    10: (5, 2), 11: (5, 1), 12: (5, 0),
}  # fmt: skip
parts = {"Foundations": (0, 2, "#DCE9F5"), "Uses": (3, 4, "#E3F1E6"), "Judgment": (5, 5, "#F6E9D8")}
ways = [(1, 2), (2, 3), (3, 4), (3, 5), (3, 6), (6, 7), (4, 8), (5, 9), (8, 10), (9, 11), (7, 12)]
fig, ax = plt.subplots(figsize=(9.6, 3.6))
for name, (first, last, shade) in parts.items():
    ax.axvspan(first - 0.5 + 0.02, last + 0.5 - 0.02, color=shade, lw=0)
    ax.text((first + last) / 2, 2.72, name, ha="center", va="center", fontsize=12, weight="bold")
for start, end in ways:
    (x0, y0), (x1, y1) = places[start], places[end]
    ax.annotate(
        "",
        (x1 - 0.43, y1),
        (x0 + 0.43, y0),
        arrowprops={"arrowstyle": "-|>", "color": "0.45", "shrinkA": 0, "shrinkB": 0},
    )
for number, (x, y) in places.items():
    ax.add_patch(
        FancyBboxPatch(
            (x - 0.4, y - 0.24), 0.8, 0.48, boxstyle="round,pad=0.02", fc="white", ec="0.5"
        )
    )
    words = lesson.TITLES[number].split()
    half = (len(words) + 1) // 2
    text = " ".join(words[:half]) + ("\n" + " ".join(words[half:]) if words[half:] else "")
    ax.text(x, y, f"{number}\n{text}", ha="center", va="center", fontsize=9.2, linespacing=1.1)
ax.set(xlim=(-0.5, 5.5), ylim=(-0.5, 3))
ax.set_axis_off()
plotting.show(
    fig,
    "The lessons as boxes in three parts, joined by arrows. Foundations: 1, 2, 3 in a row. From 3 "
    "three ways lead into Uses: 4 to 8, 5 to 9, 6 to 7. From there to Judgment: 10, 11, 12.",
    caption="Read the foundations first. After them, take the three ways through the uses in any order, then 10 to 12, which ask how good it all is.",
)

# %% [markdown]
# **I have ten minutes.** Read the first two sections of [lesson 1](01_concepts.ipynb).
#
# **I have an evening.** Work through lesson 1, then [lesson 3](03_keras_example.ipynb): how to read a loss, on an example that many tutorials copy. Lesson 2, what training computes, can wait.
#
# **I have a week.** Lessons 1 to 3, then the way that leads where you want to go. To *understand and compress* data: 4 and 8. To find *anomalies* or remove noise: 5. To *generate*: 6, then 7 before you believe what you see. To look *inside* networks: 5 and 9. Lessons 10 and 11 when something goes wrong, or when you want more. And [lesson 12](12_faq.ipynb) when you have a question.
#
# <!-- lessons -->
#
# | lesson | the question it answers | reading | working through | runs in |
# | --- | --- | --- | --- | --- |
# | [1 Concepts](01_concepts.ipynb) | What is an autoencoder, and what are its three uses? | 25 min | 65 min | 80 s |
# | [2 Formulas](02_formulas.ipynb) | What exactly is computed? All of it by hand, in NumPy. | 35 min | 70 min | 30 s |
# | [3 The Keras example](03_keras_example.ipynb) | Is this loss good? How a well-known example loses against PCA. | 25 min | 55 min | 70 s |
# | [4 Dimensionality reduction](04_dimensionality_reduction.ipynb) | When is PCA enough, and how many numbers does a code need? | 65 min | 125 min | 90 s |
# | [5 Denoising and anomalies](05_denoising_and_anomalies.ipynb) | What does an error tell, about noise, outliers and missing values? | 75 min | 130 min | 110 s |
# | [6 Generation](06_generation.ipynb) | Why can't a plain autoencoder make new pictures, and how does a variational one? | 70 min | 120 min | 100 s |
# | [7 Measuring generation](07_measuring_generation.ipynb) | How good are generated pictures, and are they of any use? | 65 min | 115 min | 140 s |
# | [8 Representation learning](08_representation_learning.ipynb) | What are codes good for when labels are few, or missing? | 55 min | 100 min | 90 s |
# | [9 Sparse codes](09_sparse_codes.ipynb) | What do codes with few numbers in use find, in pictures and in networks? | 60 min | 120 min | 110 s |
# | [10 Challenges](10_challenges.ipynb) | What goes wrong with autoencoders, how is it found, and what does the cure cost? | 80 min | 125 min | 90 s |
# | [11 Outlook](11_outlook.ipynb) | How do autoencoders get faster and smaller, learn words, and meet diffusion and discriminators? | 80 min | 120 min | 100 s |
# | [12 FAQ](12_faq.ipynb) | AE or VAE? Do they help a classifier? Is the code unique? And which autoencoder for which job? | 55 min | 95 min | 40 s |
# | [1, deeper: Concepts](deeper/01_concepts.ipynb) | Holes and copying, over several networks and widths | 5 min | 5 min | 40 s |
# | [2, deeper: Formulas](deeper/02_formulas.ipynb) | Gradients checked against Keras, losses as bets, the first weights | 10 min | 60 min | 20 s |
# | [3, deeper: The Keras example](deeper/03_keras_example.ipynb) | What fit does, what a graph freezes, what a file holds | 15 min | 15 min | 70 s |
# | [5, deeper: Probability](deeper/05_probability.ipynb) | What you need for lessons 5 to 7 | 30 min | 35 min | 20 s |
# | [11, deeper: Hybrids](deeper/11_hybrids.ipynb) | An autoencoder with a critic, an autoencoder with groups | 35 min | 35 min | 50 s |
# | [11, deeper: Beyond one machine](deeper/11_scale_out.ipynb) | Two workers, data larger than memory, a worker that dies | 35 min | 35 min | 110 s |
# | [Reference](reference.ipynb) | Symbols and words | – | – | – |
#
# <!-- /lessons -->
#
# Where there is more to say, a lesson has a companion for the curious, named *deeper*. You can leave them out and lose no thread. One of them, *Probability*, explains at leisure what lessons 5 to 7 take from probability: read it first if density, expectation and Bayes' rule are new to you.
#
# ## How a lesson works
#
# **Folded cells.** The code of figures and measurements is folded away, as above. In JupyterLab, click the bar that stands in its place to open it. What you see unfolded is the code that matters, and you may copy it into a project of your own.
#
# **Predict first.** Where you read these words, guess before you open the output. A wrong guess teaches more than a nod.
#
# **Checked claims.** A line with a check mark, like the one under the digits above, is measured each time the cell runs, and compared with the bound that it names. If you change a lesson and a claim fails, you haven't broken anything: you have found out what your change does. Start the lesson with `lesson.begin(1, strict=False)`, and a failing claim no longer stops the notebook.
#
# **Exercises.** They stand right after what they are about, with one to three stars. Replace `None` or `...` by your answer and run the cell; it tells you what is wrong. Try this one.

# %%
from aetutorial.exercises import lesson00

lesson00.two_numbers.prompt()

# %%
answer = None  # your autoencoder
lesson00.two_numbers.check(answer)

# %% [markdown]
# Stuck? Run `lesson00.two_numbers.hint()` or `lesson00.two_numbers.solution()` in a new cell.
#
# **If something goes wrong**, choose *Kernel → Restart Kernel and Run All Cells*. Every lesson runs from top to bottom on its own.
#
# Symbols and words, in English and Chinese, are on the [reference page](reference.ipynb).
#
# Next: [lesson 1, concepts](01_concepts.ipynb).
