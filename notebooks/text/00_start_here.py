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
# [![Open in Binder](https://mybinder.org/badge_logo.svg)](https://mybinder.org/v2/gh/OWNER/autoencoder-course/HEAD?urlpath=lab/tree/notebooks/00_start_here.ipynb)
# [![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/OWNER/autoencoder-course/blob/HEAD/notebooks/00_start_here.ipynb)
#
# **Run time** about 8 s on two cores. **Study time** about 15 minutes.
#
# An **autoencoder** is a neural network that learns to squeeze data into a few numbers and to restore the data from them. Nobody tells it what the numbers should mean. This course teaches what autoencoders are, what they are good for, and,
# just as carefully, what they are not good for.
#
# **After this page you will** know your way through the course, its notation and its vocabulary; have tried a claim and an exercise; and know that your machine is ready.
#
# **You need** first-year calculus and linear algebra, and basic Python with NumPy. No machine learning, no graphics card, and after the installation no network.
#
# <details><summary>On Colab, run this in a cell of its own first</summary>
#
# ```
# !git clone -q --depth 1 https://github.com/OWNER/autoencoder-course course
# import sys; sys.path.insert(0, "course")
# ```
# </details>

# %% [markdown]
# ## Is your machine ready?
#
# Run the next two cells: click into a cell and press Shift+Enter. If both run, everything is installed. What they print about your machine differs from the page you see, of course.

# %%
import os
import platform
import time

from aetutorial import data, lesson, metrics, plotting

lesson.begin(0)  # every lesson starts so: it fixes the random seeds and the style of the plots

import numpy as np
from sklearn.decomposition import PCA

# %% tags=["nbval-ignore-output"]
a = np.random.default_rng(0).standard_normal((1000, 1000), dtype="float32")
times = []
for _ in range(5):
    started = time.perf_counter()
    a @ a
    times.append(time.perf_counter() - started)
print(f"Python {platform.python_version()} on {platform.system()}, {os.cpu_count()} cores")
print(f"a product of two 1000 x 1000 matrices takes {1000 * np.median(times):.0f} ms")
print(
    "Ready."
    if np.median(times) < 0.2
    else "Ready, but slow: expect several times the run times stated."
)

# %% [markdown]
# The lessons are made for two cores and 2 GB of memory, which is what Binder gives. Each states its run time at the top.
#
# ## The way through the course
#
# | lesson | the question it answers | core | run time |
# | --- | --- | --- | --- |
# | [1 Concepts](01_concepts.ipynb) | What is an autoencoder, and what are its three uses? | 60 min | 60 s |
# | [2 Formulas](02_formulas.ipynb) | What exactly is computed? All of it by hand, in NumPy. | 60 min | 25 s |
# | [3 The Keras example](03_keras_example.ipynb) | Is this loss good? How a well-known example loses against PCA. | 60 min | 75 s |
# | [4 Dimensionality reduction](04_dimensionality_reduction.ipynb) | When is PCA enough, and how many numbers does a code need? | 75 min | 90 s |
# | [5 Denoising and anomalies](05_denoising_and_anomalies.ipynb) | What does an error tell, about noise, outliers and missing values? | 80 min | 130 s |
# | [6 Generation](06_generation.ipynb) | Why can't a plain autoencoder make new pictures, and how does a variational one? | 90 min | 110 s |
# | [7 Measuring generation](07_measuring_generation.ipynb) | How good are generated pictures, and are they of any use? | 80 min | 130 s |
# | [8 Representation learning](08_representation_learning.ipynb) | What are codes good for when labels are few, or missing? | 75 min | 130 s |
# | [9 Sparse codes](09_sparse_codes.ipynb) | What do codes with few numbers in use find, in pictures and in networks? | 70 min | 75 s |
# | [10 Challenges](10_challenges.ipynb) | What goes wrong with autoencoders, how is it found, and what does the cure cost? | 75 min | 110 s |
# | [11 Outlook](11_outlook.ipynb) | How do autoencoders get faster and smaller, learn words, and meet diffusion and discriminators? | 100 min | 160 s |
# | [12 FAQ](12_faq.ipynb) | What do readers ask: AE or VAE, for classification, is the code unique? And which autoencoder for which job? | 90 min | 60 s |
#
# Lessons 1 to 3 are **part I, foundations**. With lesson 4 begins **part II, uses**, with lesson 10 **part III, judgment**. Two optional ones go on from lesson 11: [hybrids](optional/hybrids.ipynb) (a VAE with a critic, a VAE with groups) and [beyond one machine](optional/scale_out.ipynb).
#
# Which lessons for which goal?
# - *I want to know what it is about.* Lesson 1.
# - *I want to use autoencoders in Keras.* Lessons 1 and 3; look things up in 2.
# - *I have data of my own.* Lesson 4, section "Use your own data"; lesson 5 for anomalies and missing values.
# - *I want to generate.* Lesson 6, then 7 before you believe what you see.
# - *I have one question.* Lesson 12: fifteen answers, and a map of methods and jobs.
# - *I want to understand them.* All, in order, with the exercises.
# - *I have ten minutes.* In lesson 3, the section "What to read a loss against".
#
# Sections are marked **core** or **deeper**. The core of each lesson reads in an hour or a little more. You can leave out what is deeper and lose no thread. Every lesson can also just be read: the outputs are stored.

# %% [markdown]
# ## How a lesson works
#
# **Predict before you run.** Where you see these words, stop and guess. A wrong guess teaches more than a nod.
#
# **Claims.** What a lesson states about numbers, it checks. Here is one. PCA (principal component analysis, explained in lesson 1) stores pictures of digits, 64 pixels each, as 8 numbers. How much of the variance is kept in pictures that it has not seen? That is: one minus its squared error, divided by the squared error of always answering with the mean picture.

# %%
digits = data.load("digits")
x_train, x_test = digits.x_train.reshape(-1, 64), digits.x_test.reshape(-1, 64)
pca = PCA(8).fit(x_train)
x_hat = pca.inverse_transform(pca.transform(x_test))
mean_picture = np.tile(x_train.mean(axis=0), (len(x_test), 1))
kept = 1 - metrics.mse(x_test, x_hat) / metrics.mse(x_test, mean_picture)
lesson.claim(
    "8 of 64 numbers keep this share of the variance",
    kept,
    between=(0.6, 0.75),
    digits=2,
    fails_under="shuffled-pixels",
)
rows = {"input": x_test[:12], "from 8 numbers": x_hat[:12]}
plotting.show(
    plotting.image_rows({name: row.reshape(-1, 8, 8) for name, row in rows.items()}),
    "Two rows of twelve small digits. The second row, restored from 8 numbers each, is a "
    "blurred copy of the first.",
)

# %% [markdown]
# The value was measured when the cell ran, and compared with its bound. A claim that does not hold stops the notebook:

# %%
try:
    lesson.claim(
        "8 numbers keep everything", kept, above=0.999, digits=2, fails_under="shuffled-pixels"
    )
except lesson.ClaimError as error:
    print("ClaimError:", str(error).split(". If")[0])

# %% [markdown]
# The word `fails_under` says what would make the claim fail: training switched off, each picture's pixels shuffled, or the labels shuffled. The course is tested with exactly these sabotages. A claim that survives its own sabotage says nothing, and is removed.
# Claims marked `"math"` follow from mathematics, up to rounding and sampling; no sabotage of the training touches them.
#
# If you change a lesson and a claim fails, you have not broken anything. You have found out what your change does. To let the notebook go on all the same, begin it with `lesson.begin(3, strict=False)`: claims that fail are then reported, and studies whose code you changed run anew.
#
# **Studies.** Some statements need many training runs. A study runs one of them now, reads the others from a stored file, and checks that yours fits in. `make studies` runs all of them, in up to a quarter of an hour a lesson.
#
# **Exercises.** Each lesson ends with three to five. Try the warm-up. `prompt` prints the task; put your answer in place of `None` and run the second cell. Any line that begins with `#` is switched off: remove the `#` to get a hint or the solution.

# %%
from aetutorial.exercises import lesson00

lesson00.warm_up.prompt()

# %%
answer = None  # your number
lesson00.warm_up.check(answer)
# lesson00.warm_up.hint()
# lesson00.warm_up.solution()

# %% [markdown]
# **If something goes wrong**, choose *Kernel → Restart Kernel and Run All Cells*. Every lesson runs from top to bottom on its own; the order in which you ran cells before is forgotten.

# %% [markdown]
# ## Notation
#
# The same symbols in the equations and in the code, in all lessons.
#
# | symbol | code | meaning |
# | --- | --- | --- |
# | $x$ | `x` | input, one example; a batch has examples in rows |
# | $z$ | `z` | code |
# | $\hat x$ | `x_hat` | reconstruction (some books write $y$) |
# | $D$ | `D` | number of features of an input (of pixels, say) |
# | $d$ | `latent_dim` | number of features of a code |
# | $N$ | `N`; `n` | number of all examples; of those in one array |
# | $W_e, b_e$; $W_d, b_d$ | `p["W_e"]`, ... | weights and biases of encoder and decoder |
# | $\sigma(a)$ | `sigmoid(a)` | the logistic function $1 / (1 + e^{-a})$, for any number $a$ |
# | $q(z \mid x)$ | `z_mean`, `z_log_var` | the normal distribution that a VAE's encoder returns: its means, and the logarithms of its variances |
# | $\beta$ | `beta` | weight of the rate in a VAE's loss |
# | $L$ | `squared_error(...).mean()` | loss: a sum over features, a mean over examples |
# | `mse` | `"mse"` | Keras's mean squared error: a mean over features, too, so $L = D \cdot$ `mse` |
#
# `x_train` and `x_test` are the data to train on and the *held-out* data, which are never trained on; `y_train` and `y_test` are their labels. Images are numbers in $[0, 1]$. Losses are stated with their unit: squared pixel units, or nats (the unit of a natural logarithm of a probability).

# %% [markdown]
# ## Glossary
#
# | English | 中文 | in one sentence |
# | --- | --- | --- |
# | ablation | 消融 | switching a part off to see what it does |
# | activation function | 激活函数 | the function applied to each number of a layer |
# | adjusted Rand index (ARI) | 调整兰德指数 | how often two groupings agree on pairs, corrected for chance |
# | adversarial autoencoder | 对抗自编码器 | an autoencoder whose codes a discriminator compares with draws from the prior |
# | all-reduce | 全归约 | an exchange after which every worker has the mean of what all had |
# | anomaly | 异常 | an example unlike the training data |
# | area under the ROC curve (AUROC) | ROC 曲线下面积 | how often an anomaly scores higher than a normal example |
# | atom | 原子 | one row of a dictionary |
# | autoencoder | 自编码器 | encoder and decoder, trained to restore the input |
# | autoregressive model | 自回归模型 | a model that predicts each part from the parts before it |
# | back-propagation | 反向传播 | the chain rule, applied from the loss backwards |
# | baseline | 基线 | a simple method that a result is compared with |
# | batch | 批次 | the examples used for one step |
# | bias | 偏置 | a number added in a layer, learned like a weight |
# | bottleneck | 瓶颈 | the narrow place between encoder and decoder |
# | canonical correlation analysis (CCA) | 典型相关分析 | turning two codes so that their numbers correlate as far as possible |
# | centered kernel alignment (CKA) | 中心核对齐 | whether two codes call the same pairs of examples similar |
# | checkerboard artifact | 棋盘伪影 | a pattern with a period of 2 pixels that transposed convolutions leave |
# | checkpoint | 检查点 | all that is needed to go on with a training, in files |
# | classification | 分类 | finding the label of an example |
# | clustering | 聚类 | finding groups without labels |
# | code, latent code | 编码, 潜在编码 | what the encoder returns |
# | codebook | 码本 | the points among which a VQ-VAE chooses |
# | conditional VAE | 条件变分自编码器 | a VAE that is also told the label |
# | contractive autoencoder | 收缩自编码器 | an autoencoder whose code is kept from moving with the input |
# | cross-entropy | 交叉熵 | a loss: the negative logarithm of a probability |
# | data augmentation | 数据增强 | enlarging a training set with new examples |
# | data-parallel training | 数据并行训练 | training in which each worker computes a part of every batch |
# | decoder | 解码器 | the network from code to reconstruction |
# | denoising | 去噪 | removing noise from an input |
# | dense layer | 全连接层 | a layer whose units each see all numbers of the layer before |
# | dictionary | 字典 | the directions of which a sparse code takes a few |
# | diffusion model | 扩散模型 | a generator that takes noise away step by step |
# | dimensionality reduction | 降维 | describing data with fewer numbers |
# | discriminator | 判别器 | a network that learns to tell generated from real |
# | disentangled code | 解耦编码 | a code of which each number means one thing |
# | dropout | 随机失活 | setting units to 0 at random during training |
# | early stopping | 早停 | ending training when the validation loss has stopped falling |
# | encoder | 编码器 | the network from input to code |
# | entropy coding | 熵编码 | storing frequent values with few bits, rare ones with many |
# | epoch | 轮次 | one pass over the training data |
# | evidence lower bound (ELBO) | 证据下界 | what a VAE makes large: a bound below the log-likelihood |
# | expectation maximization (EM) | 期望最大化 | fitting a mixture: responsibilities and prototypes in turn |
# | feature | 特征 | one of the numbers that describe an example |
# | fine-tuning | 微调 | training a pre-trained network on, for another task |
# | floor | 下界 | the value below which a loss can't fall |
# | Fréchet distance | 弗雷歇距离 | how far the features of two sets of pictures are apart, as normal distributions |
# | free bits | 自由比特 | an amount of KL that each number of a code may have without paying |
# | Gabor function | 加博函数 | a wave under a bell-shaped window |
# | generation | 生成 | making new examples |
# | generative adversarial network | 生成对抗网络 | a network that makes examples, trained against one that tries to tell them from real ones |
# | gradient | 梯度 | the derivatives of the loss with respect to all weights |
# | gradient descent | 梯度下降 | moving weights against the gradient of the loss |
# | held-out data | 留出数据 | data kept back from training, for scoring |
# | importance weight | 重要性权重 | how much more probable a draw is under one distribution than under the one it came from |
# | imputation | 缺失值插补 | filling in missing values |
# | independent component analysis (ICA) | 独立成分分析 | directions along which data are as far from normal as possible |
# | intrinsic dimension | 本征维数 | how many numbers a point of the data needs at least |
# | Jacobian matrix | 雅可比矩阵 | the derivatives of all outputs with respect to all inputs |
# | k-means | K 均值 | clustering by nearest centers |
# | Kendall's tau | 肯德尔等级相关系数 | how far two orders agree, from -1 to 1 |
# | KL warm-up | KL 预热 | raising the weight of the KL term from 0 during training |
# | Kullback-Leibler (KL) divergence | KL 散度 | how far one distribution is from another, in nats |
# | label | 标签 | what an example is, told by a person |
# | language model | 语言模型 | a model that predicts the next letter or word from those before it |
# | latency | 延迟 | the time for one answer |
# | latent diffusion | 潜在扩散 | a diffusion model of the codes of an autoencoder |
# | latent space | 潜在空间 | the space of all codes |
# | learning rate | 学习率 | how far a step of gradient descent goes |
# | learning-rate schedule | 学习率调度 | how the learning rate changes during training |
# | likelihood | 似然 | how probable a model finds the data |
# | linear probe | 线性探针 | a linear classifier that reads frozen codes |
# | loss | 损失 | the number that training makes small |
# | masked autoencoder | 掩码自编码器 | an autoencoder that must fill in hidden parts |
# | mean squared error | 均方误差 | a loss: the squared difference, averaged |
# | mixed precision | 混合精度 | computing with 16 bits where that is enough, with 32 elsewhere |
# | mixture model | 混合模型 | a distribution put together from several simple ones |
# | multilayer perceptron | 多层感知机 | dense layers, one after the other |
# | mutual information | 互信息 | what knowing one variable tells about another, in nats |
# | mutual information gap (MIG) | 互信息差距 | how far one number of a code is ahead of the others in telling a factor |
# | n-gram model | n 元语法模型 | counts of what followed the last n − 1 letters |
# | nested dropout | 嵌套随机失活 | hiding all numbers of a code after a random one, so that the first matter most |
# | optimizer | 优化器 | the rule that turns gradients into steps |
# | orthogonal matching pursuit | 正交匹配追踪 | choosing atoms one by one, and fitting all chosen anew |
# | overcomplete, undercomplete | 过完备, 欠完备 | a code larger, smaller than the input |
# | overfitting | 过拟合 | learning what is special about the training data |
# | peak signal-to-noise ratio (PSNR) | 峰值信噪比 | the mean squared error in decibels |
# | perplexity | 困惑度 | the number of equally likely letters that would leave as much doubt |
# | posterior collapse | 后验坍缩 | a VAE's code, or part of it, that says nothing about the input |
# | pre-training | 预训练 | training on another task first, often without labels |
# | precision, recall (of samples) | 精确率, 召回率 | the share of samples that are realistic, and of the data that is covered |
# | principal angle | 主角 | measures how far two planes are turned against each other |
# | principal component analysis (PCA) | 主成分分析 | the best linear code |
# | prior, posterior | 先验, 后验 | what is known about the code before and after the input is seen |
# | Procrustes analysis | 普氏分析 | rotating one set of points onto another as well as possible |
# | pruning | 剪枝 | setting small weights to 0 for good |
# | quantization | 量化 | rounding numbers to a grid |
# | rate, distortion | 码率, 失真 | the nats spent on the code, and those left to say what the picture is |
# | reconstruction | 重构 | what the decoder returns |
# | regularization | 正则化 | a restraint against overfitting |
# | reparameterization | 重参数化 | writing a random draw as a function of noise, so that gradients pass through it |
# | representation learning | 表示学习 | learning features for other tasks |
# | score | 得分函数 | the gradient of the logarithm of a density |
# | seed | 随机种子 | the number from which random numbers start, so that they can be repeated |
# | semi-supervised learning | 半监督学习 | learning from few labeled examples and many without labels |
# | sparse | 稀疏 | mostly zero |
# | sparse autoencoder | 稀疏自编码器 | an autoencoder with few numbers of the code in use at a time |
# | standardize | 标准化 | scale to mean 0 and standard deviation 1 |
# | structural similarity (SSIM) | 结构相似性 | how alike two pictures are in local pattern |
# | superposition | 叠加 | more features than units, each a direction |
# | threshold | 阈值 | the value above which an alarm is raised |
# | tied weights | 权重绑定 | a decoder that uses the transposed matrices of the encoder |
# | top-k | 前 k 个 | keeping the k largest numbers |
# | transposed convolution | 转置卷积 | a convolution the other way: it lays patches down and adds them up |
# | trustworthiness, continuity | 可信度, 连续性 | whether a map keeps neighbors |
# | two-sample test | 双样本检验 | whether two sets come from one distribution |
# | unit | 单元 | one number of a layer |
# | unsupervised learning | 无监督学习 | learning without labels |
# | validation data | 验证数据 | data for choosing settings: not trained on, not used for the final score |
# | variational autoencoder (VAE) | 变分自编码器 | an autoencoder that learns a distribution |
# | vector quantization (VQ) | 向量量化 | replacing a point by the nearest one of a codebook |
# | weight decay | 权重衰减 | shrinking all weights a little in each step |
# | weights | 权重 | the numbers that training changes |
# | whitening | 白化 | bringing all directions to variance 1, without correlations |
# | word dropout | 词丢弃 | hiding some of the letters or words from a decoder in training |

# %% [markdown]
# ## Next
#
# [Lesson 1, concepts](01_concepts.ipynb): you squeeze handwritten digits into 32 numbers, and try all three uses in an hour.
