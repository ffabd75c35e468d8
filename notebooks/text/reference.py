# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Reference: symbols and words
#
# The symbols and words of all lessons, to look up. Nothing here has to be read in order.
#
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
# ## Data
#
# All sets but the last two come with the course or with scikit-learn. `data.load(name)` gives `x_train`, `y_train`, `x_test`, `y_test`, and for emoji and heartbeats what else is known of each example, as `about_train` and `about_test`.
#
# <!-- data -->
#
# | `data.load(…)` | examples, train + test | shape of one | range in training | license | source |
# | --- | --- | --- | --- | --- | --- |
# | `digits` | 1,437 + 360 | 8 × 8 × 1 | 0 to 1 | CC BY 4.0 | E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits (UCI, 1998), the test part as in sklearn.datasets.load_digits |
# | `mnist` | 10,000 + 2,000 | 28 × 28 × 1 | 0 to 1 | CC BY-SA 3.0 | Y. LeCun, C. Cortes and C. J. C. Burges, The MNIST database of handwritten digits |
# | `emoji` | 3,029 + 752 | 32 × 32 × 3 | 0 to 1 | CC BY 4.0 | Twemoji 16 (Twitter, Inc. and other contributors), from the package emoji-datasource-twitter 16.0.0 |
# | `patches` | 10,000 + 2,000 | 12 × 12 × 1 | 0 to 1 | CC BY 2.0 | photographs china.jpg (danielbuechele) and flower.jpg (vultilion) of Flickr, as in sklearn.datasets.load_sample_images |
# | `heartbeats` | 1,066 + 1,066 | 128 × 1 | 0 to 0.956 | MIT | P. van Gent, pulse of a wrist-worn sensor, data3.csv of the package heartpy 1.2.7; disturbed stretches marked by eye for this course |
# | `gaussian` | 1,000 + 1,000 | 100 | -4.188 to 4.301 | none needed (random numbers) | numpy.random.default_rng(100).standard_normal |
# | `breast-cancer` | 455 + 114 | 30 | 0 to 4254 | CC BY 4.0 | W. Wolberg, O. Mangasarian, N. Street and W. Street, Breast Cancer Wisconsin (Diagnostic) (UCI, 1993), as in sklearn.datasets.load_breast_cancer |
# | `mnist-full` | 60,000 + 10,000 | 28 × 28 × 1 | 0 to 1 | CC BY-SA 3.0 | all of MNIST; downloaded once |
# | `fashion-mnist` | 60,000 + 10,000 | 28 × 28 × 1 | 0 to 1 | MIT | clothes (Xiao, Rasul and Vollgraf 2017); downloaded once |
#
# <!-- /data -->
#
# The emoji are Twemoji, copyright Twitter, Inc. and other contributors (license in the table), composed on white, with colors rounded to 32 levels. They are split by families: the variants of one emoji, the man, the woman and the person of one profession, and images that are nearly equal are on one side. Does that matter? Let the answer to a held-out emoji be the most similar training image. Split at random, the mean squared error of that answer is about three fifths of what it is if families stay together. A careless split makes copying look like knowledge.
#
# ## Trained models
#
# `models.load(name)` gives a model that was trained longer than a lesson can wait; `models.card(name)` says what it is and how it is trained again.
#
# <!-- models -->
#
# | `models.load(…)` | what it is | trained on | weights | measured on held-out data |
# | --- | --- | --- | --- | --- |
# | `emoji-ae` | emoji in color to 64 numbers and back | 3,029 training images of data.load('emoji'), in all orders of their colors and mirrored; 6 epochs, 5 min of two cores | 253,571 | variation kept (%): 87.9; kept by clipped PCA (%): 83.6 |
# | `emoji-vae` | a VAE of emoji in color with a code of 64 numbers | 3,029 training images of data.load('emoji'), in all orders of their colors and mirrored; 6 epochs, 4 min of two cores | 319,171 | variation kept (%): 85.1; kept by clipped PCA (%): 83.6 |
# | `mnist-ae-30` | digits to 30 numbers and back | 60,000 training images of data.load('mnist-full'); 14 epochs, 13 min of two cores | 152,159 | squared error per image: 2.62; that of clipped PCA: 12.7 |
# | `mnist-vae` | a VAE of digits with a code of 16 numbers, to draw new ones | 60,000 training images of data.load('mnist-full'); 16 epochs, 14 min of two cores | 142,753 | distortion (nats per image): 72.3; rate (nats per image): 23.5 |
# | `mnist-vae-2d` | a VAE of digits with a code of two numbers, for maps | 60,000 training images of data.load('mnist-full'); 8 epochs, 7 min of two cores | 109,797 | distortion (nats per image): 141; rate (nats per image): 6.11 |
#
# <!-- /models -->

# %% [markdown]
# ## Glossary
#
# | English | 中文 | in one sentence |
# | --- | --- | --- |
# | ablation | 消融 | switching a part off to see what it does |
# | activation function | 激活函数 | the function applied to each number of a layer |
# | adjusted Rand index (ARI) | 调整兰德指数 | how often two groupings agree on pairs, corrected for chance |
# | adversarial autoencoder | 对抗自编码器 | an autoencoder whose codes a discriminator compares with draws from the prior |
# | aggregate posterior | 聚合后验 | the distribution of the codes of all data together |
# | all-reduce | 全归约 | an exchange after which every worker has the mean of what all had |
# | amortized inference | 摊销推断 | one encoder that answers for every example, in place of a search for each |
# | anomaly | 异常 | an example unlike the training data |
# | area under the ROC curve (AUROC) | ROC 曲线下面积 | how often an anomaly scores higher than a normal example |
# | atom | 原子 | one row of a dictionary |
# | autoencoder | 自编码器 | encoder and decoder, trained to restore the input |
# | autoregressive model | 自回归模型 | a model that predicts each part from the parts before it |
# | back-propagation | 反向传播 | the chain rule, applied from the loss backwards |
# | base rate | 基础比率 | how common something is before anybody looks |
# | baseline | 基线 | a simple method that a result is compared with |
# | batch | 批次 | the examples used for one step |
# | bias | 偏置 | a number added in a layer, learned like a weight |
# | bootstrap | 自助法 | drawing the test examples anew, with repetition, to see how far a score depends on them |
# | bottleneck | 瓶颈 | the narrow place between encoder and decoder |
# | canonical correlation analysis (CCA) | 典型相关分析 | turning two codes so that their numbers correlate as far as possible |
# | centered kernel alignment (CKA) | 中心核对齐 | whether two codes call the same pairs of examples similar |
# | checkerboard artifact | 棋盘伪影 | a pattern with a period of 2 pixels that transposed convolutions leave |
# | checkpoint | 检查点 | all that is needed to go on with a training, in files |
# | classification | 分类 | finding the label of an example |
# | classifier two-sample test | 分类器双样本检验 | training a classifier to tell two sets apart: if it can, they differ |
# | clustering | 聚类 | finding groups without labels |
# | code, latent code | 编码, 潜在编码 | what the encoder returns |
# | codebook | 码本 | the points among which a VQ-VAE chooses |
# | conditional VAE | 条件变分自编码器 | a VAE that is also told the label |
# | contractive autoencoder | 收缩自编码器 | an autoencoder whose code is kept from moving with the input |
# | cross-entropy | 交叉熵 | a loss: the negative logarithm of a probability |
# | data augmentation | 数据增强 | enlarging a training set with new examples |
# | data-parallel training | 数据并行训练 | training in which each worker computes a part of every batch |
# | debiasing | 去偏 | fitting the values of chosen features once more, without the penalty that chose them |
# | decoder | 解码器 | the network from code to reconstruction |
# | denoising | 去噪 | removing noise from an input |
# | dense layer | 全连接层 | a layer whose units each see all numbers of the layer before |
# | dictionary | 字典 | the directions of which a sparse code takes a few |
# | difference in means | 均值差 | the mean of one group minus the mean of another, used as a direction |
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
# | FID | 弗雷歇起始距离 | the Fréchet distance between the features of real and generated images |
# | fine-tuning | 微调 | training a pre-trained network on, for another task |
# | floor | 下界 | the value below which a loss can't fall |
# | free bits | 自由比特 | an amount of KL that each number of a code may have without paying |
# | Fréchet distance | 弗雷歇距离 | how far the features of two sets of images are apart, as normal distributions |
# | Gabor function | 加博函数 | a wave under a bell-shaped window |
# | generation | 生成 | making new examples |
# | generative adversarial network | 生成对抗网络 | a network that makes examples, trained against one that tries to tell them from real ones |
# | gradient descent | 梯度下降 | moving weights against the gradient of the loss |
# | gradient | 梯度 | the derivatives of the loss with respect to all weights |
# | held-out data | 留出数据 | data kept back from training, for scoring |
# | hyperparameter | 超参数 | a setting that is chosen, not learned |
# | importance weight | 重要性权重 | how much more probable a draw is under one distribution than under the one it came from |
# | imputation | 缺失值插补 | filling in missing values |
# | independent component analysis (ICA) | 独立成分分析 | directions along which data are as far from normal as possible |
# | intrinsic dimension | 本征维数 | how many numbers a point of the data needs at least |
# | Jacobian matrix | 雅可比矩阵 | the derivatives of all outputs with respect to all inputs |
# | k-means | K 均值 | clustering by nearest centers |
# | Kendall's tau | 肯德尔等级相关系数 | how far two orders agree, from -1 to 1 |
# | KL warm-up | KL 预热 | raising the weight of the KL term from 0 during training |
# | Kullback-Leibler (KL) divergence | KL 散度 | how far one distribution is from another, in nats |
# | L0 | L0 范数 | how many numbers of a code are not zero |
# | L1 shrinkage | L1 收缩 | the pull of an L1 penalty that makes all values too small |
# | label | 标签 | what an example is, told by a person |
# | language model | 语言模型 | a model that predicts the next letter or word from those before it |
# | latency | 延迟 | the time for one answer |
# | latent diffusion | 潜在扩散 | a diffusion model of the codes of an autoencoder |
# | latent dimension | 潜在维度 | how many numbers a code has |
# | latent space | 潜在空间 | the space of all codes |
# | learning rate | 学习率 | how far a step of gradient descent goes |
# | learning-rate schedule | 学习率调度 | how the learning rate changes during training |
# | likelihood | 似然 | how probable a model finds the data |
# | linear probe | 线性探针 | a linear classifier that reads frozen codes |
# | loss | 损失 | the number that training makes small |
# | manifold | 流形 | a curved line or surface near which the data lie |
# | masked autoencoder | 掩码自编码器 | an autoencoder that must fill in hidden parts |
# | mean squared error | 均方误差 | a loss: the squared difference, averaged |
# | mixed precision | 混合精度 | computing with 16 bits where that is enough, with 32 elsewhere |
# | mixture model | 混合模型 | a distribution put together from several simple ones |
# | mode collapse, mode dropping | 模式崩塌, 模式丢失 | a generator that makes the same few examples; that leaves some kinds out |
# | multilayer perceptron | 多层感知机 | dense layers, one after the other |
# | mutual information gap (MIG) | 互信息差距 | how far one number of a code is ahead of the others in telling a factor |
# | mutual information | 互信息 | what knowing one variable tells about another, in nats |
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
# | rate, distortion | 码率, 失真 | the nats spent on the code, and those left to say what the image is |
# | reconstruction | 重构 | what the decoder returns |
# | regularization | 正则化 | a restraint against overfitting |
# | reparameterization | 重参数化 | writing a random draw as a function of noise, so that gradients pass through it |
# | representation learning | 表示学习 | learning features for other tasks |
# | score | 得分函数 | the gradient of the logarithm of a density |
# | seed | 随机种子 | the number from which random numbers start, so that they can be repeated |
# | semi-supervised learning | 半监督学习 | learning from few labeled examples and many without labels |
# | shared weights | 共享权重 | weights that two models have in common because both use the same layer |
# | sparse autoencoder | 稀疏自编码器 | an autoencoder with few numbers of the code in use at a time |
# | sparse | 稀疏 | mostly zero |
# | standardize | 标准化 | scale to mean 0 and standard deviation 1 |
# | structural similarity (SSIM) | 结构相似性 | how alike two images are in local pattern |
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
# Back to [the start](00_start_here.ipynb).
