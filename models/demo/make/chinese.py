"""The world in Chinese: its words and its plots."""

from world import Language, Plot, Question

GIRLS = "小红 丽丽 美美 婷婷 芳芳 玲玲 朵朵".split()
BOYS = "小明 小华 冬冬 乐乐 阿福 强强 亮亮".split()
OUTDOORS = "公园里 花园里 小河边 山坡上 森林里 草地上 湖边 池塘边 山谷里 果园里".split()
ANYWHERE = "市场里 学校里 大桥下 谷仓里 沙滩上 图书馆里 面包店里 水井边 磨坊里 码头上".split()
NOUNS = "只|风筝 个|皮球 条|围巾 顶|帽子 个|铃铛 只|小船 面|小鼓 盏|灯笼 本|图画书 个|布娃娃 把|雨伞 支|笛子 个|杯子 个|盒子".split()
COLOURS = "红色 蓝色 绿色 黄色 白色 紫色 粉色 棕色 金色 银色".split()
FRUITS = "苹果 梨子 桃子 橘子 李子 柿子 核桃 蘑菇".split()
DISHES = "苹果派 蜂蜜蛋糕 红豆糕 芝麻饼 南瓜饼 饺子 包子 面条".split()
INGREDIENTS = "面粉 白糖 黄油 牛奶 盐 鸡蛋 香油 酵母".split()
TOOLS = "根|绳子 架|梯子 张|网 条|毯子 只|水桶 根|竹竿 把|铲子 个|麻袋".split()
BABIES = "小猫 小狗 小鸭 小羊 小猪 小兔 小马 小鸡".split()
STUCK = "陷在泥里 被荆棘缠住了 掉进了深坑 被木头挡住了".split()
HELPERS = "聪明的猫头鹰 年老的乌龟 灰色的大雁 温柔的大熊 机灵的狐狸 善良的山羊 小小的老鼠 友好的青蛙 黑黑的乌鸦 安静的小鹿 胖胖的刺猬 忙碌的松鼠".split()
SPOTS = "大石头后面 灌木丛下面 空木头里面 两棵大树中间 一堆落叶下面".split()
WEATHERS = "晴朗 多云 炎热 温暖 凉爽 寒冷 闷热".split()
TRAITS = "善良 勇敢 好奇 开朗 温柔 聪明 害羞 活泼".split()
SAD = "难过 伤心 着急 不安 苦恼".split()
GLAD = "开心 高兴 快乐 兴奋 欢喜".split()
NUMBERS = "零一二三四五六七八九十"
REASONS = "感冒了 脚疼 要干很多活 要照顾弟弟".split()


def count(number, noun):
    """`number` of `noun`： 两 stands for 二 in front of a measure word."""
    return f"{amount(number)}{noun}"


def amount(number):
    """`number` with its measure word."""
    return ("两" if number == 2 else NUMBERS[number]) + "个"


def draw(rng):
    """Draws one world: the slots of every Chinese template."""
    people = rng.sample(GIRLS + BOYS, 4)
    slots = dict(zip(("hero", "friend", "third", "fourth"), people))
    slots.update(zip(("he", "child"), ("她", "女孩") if people[0] in GIRLS else ("他", "男孩")))
    first, third = rng.sample(OUTDOORS, 2)
    home, second = rng.sample([place for place in OUTDOORS + ANYWHERE if place not in (first, third)], 2)
    for i, place in enumerate((home, first, second, third)):
        slots.update({f"in{i}": f"在{place}", f"the{i}": place, f"near{i}": place[:-1] + "附近"})
    helper = rng.choice(HELPERS)
    measure, noun = rng.choice(NOUNS).split("|")
    tool_measure, tool = rng.choice(TOOLS).split("|")
    colour, fruit, picked = rng.choice(COLOURS), rng.choice(FRUITS), rng.randint(3, 9)
    given = rng.randint(1, picked - 1)
    slots.update(
        noun=noun, colour=colour, a_noun=f"一{measure}{colour}的{noun}", fruit=fruit, picked=count(picked, fruit),
        given=count(given, fruit), n_picked=amount(picked), n_given=amount(given), n_left=amount(picked - given),
        dish=rng.choice(DISHES), ingredient=rng.choice(INGREDIENTS), tool=tool, a_tool=f"一{tool_measure}{colour}的{tool}",
        baby=rng.choice(BABIES), stuck=rng.choice(STUCK), helper=helper.split("的")[1], a_helper=f"一只{helper}",
        spot=rng.choice(SPOTS), weather=rng.choice(WEATHERS), trait=rng.choice(TRAITS), sad=rng.choice(SAD),
        glad=rng.choice(GLAD), reason=rng.choice(REASONS))
    return slots


OPENING = (
    "从前，有一个{trait}的{child}，名叫{hero}，住在{near0}。", "从前，在{near0}住着一个{trait}的{child}，名叫{hero}。",
    "从前，有个{child}叫{hero}，{he}住在{near0}。{hero}是个{trait}的孩子。", "很久以前，在{near0}住着一个{trait}的{child}，名叫{hero}。",
    "有一个{trait}的{child}叫{hero}，{he}的家在{near0}。",
)
MORNING = ("一天早上，天气{weather}，", "有一天，天气{weather}，", "一个下午，天气{weather}，")
FRIENDS = ("从那天起，他们成了最好的朋友。", "就这样，大家成了好朋友。", "他们有说有笑，一直玩到星星出来。", "那天晚上，大家都带着微笑睡着了。",
           "{hero}永远忘不了这一天。")
COMMON = (
    Question("who", ("故事里的{child}叫什么名字？", "这个故事讲的是谁？"), "{hero}"),
    Question("where", ("{hero}住在哪里？", "{hero}的家在哪里？"), "在{near0}"),
    Question("weather", ("那天的天气怎么样？", "天气怎么样？"), "{weather}"),
    Question("what", ("{hero}是个怎样的孩子？",), "{trait}"),
)


def daytime(*endings):
    """Every ending behind every way to begin the day."""
    return tuple(start + ending for start in MORNING for ending in endings)


LOST = Plot("lost", "noun", "{noun}", (
    (OPENING, ("{he}有{a_noun}，非常喜欢它。", "{he}最喜欢的东西是{a_noun}。", "奶奶给{he}做了{a_noun}。")),
    (daytime("{hero}带着{noun}，{in1}玩。", "{hero}{in1}玩，手里拿着{noun}。"),
     ("可是要回家的时候，{noun}不见了！", "{he}跑啊跳啊，忽然发现{noun}不见了。"),
     ("{hero}很{sad}。", "{hero}{sad}极了，差点哭出来。")),
    (("{he}先{in2}找，可是没有找到。", "{hero}首先{in2}找了一遍，什么也没有。"),
     ("后来，{he}{in3}遇见了{a_helper}。", "然后，{he}{in3}看见了{a_helper}。"),
     ("“你为什么这么{sad}？”{helper}问。“我的{noun}丢了。”{hero}说。", "“请帮帮我！我找不到我的{noun}了。”{hero}说。"),
     ("“我来帮你。”{helper}说。它在{spot}找到了{noun}！", "{helper}往{spot}一看，{noun}就在那里！")),
    (("{hero}非常{glad}，送给{helper}{given}。", "“谢谢你！”{hero}{glad}地说，还送给{helper}{given}。"),
     FRIENDS + ("从此以后，{he}总是好好爱护自己的东西。",)),
), COMMON + (
    Question("what", ("{hero}丢了什么？", "什么东西不见了？"), "{a_noun}"),
    Question("colour", ("{noun}是什么颜色的？",), "{colour}"),
    Question("where", ("{hero}在哪里玩？", "{noun}是在哪里丢的？"), "{in1}"),
    Question("order", ("{hero}先在哪里找？",), "{in2}"),
    Question("where", ("{hero}在哪里遇见{helper}？", "{noun}是在哪里找到的？"), "{in3}"),
    Question("who", ("谁找到了{noun}？", "谁帮助了{hero}？"), "{helper}"),
    Question("feeling", ("{noun}不见的时候，{hero}的心情怎么样？",), "{sad}"),
    Question("feeling", ("最后{hero}的心情怎么样？",), "{glad}"),
    Question("count", ("{hero}送给{helper}几个{fruit}？",), "{n_given}"),
    Question("holder", ("现在{noun}在谁那里？", "最后谁有{noun}？"), "{hero}"),
))

SHARING = Plot("sharing", "fruit", "{fruit}", (
    (OPENING, daytime("{hero}提着{colour}的篮子，{in1}摘{fruit}。", "{hero}{in1}摘{fruit}，带着一个{colour}的篮子。"),
     ("{he}摘了{picked}，放进篮子里。", "{he}一共找到{picked}，都放进了篮子里。")),
    (("回家的路上，{he}{in2}遇见了{friend}。{friend}看起来很{sad}。", "{he}{in2}看见了{friend}，{friend}很{sad}。"),
     ("“怎么了？”{hero}问。“我没有东西吃，肚子好饿。”{friend}说。", "“我很饿，”{friend}说，“我的篮子是空的。”")),
    (("“别{sad}，”{hero}说，“给你。”{he}给了{friend}{given}。", "{hero}想也没想，就给了{friend}{given}。"),
     ("{friend}非常{glad}，连声说谢谢。", "{friend}{glad}极了，和{hero}一起唱起歌来。"),
     ("{a_helper}听见了，过来帮他们把篮子提回家。", "这时来了{a_helper}，帮他们把篮子提回家。")),
    (("{hero}虽然累了，心里却暖暖的。", "和朋友分享，{fruit}吃起来更香了。"), FRIENDS),
), COMMON + (
    Question("what", ("{hero}摘了什么？", "篮子里是什么？"), "{fruit}"),
    Question("colour", ("篮子是什么颜色的？",), "{colour}"),
    Question("where", ("{hero}在哪里摘{fruit}？",), "{in1}"),
    Question("where", ("{hero}在哪里遇见{friend}？",), "{in2}"),
    Question("who", ("谁肚子饿了？", "{hero}把{fruit}给了谁？"), "{friend}"),
    Question("count", ("{hero}一共摘了几个{fruit}？",), "{n_picked}"),
    Question("count", ("{hero}给了{friend}几个{fruit}？",), "{n_given}"),
    Question("arithmetic", ("{hero}还剩几个{fruit}？", "篮子里还剩几个{fruit}？"), "{n_left}"),
    Question("feeling", ("开始的时候，{friend}的心情怎么样？",), "{sad}"),
    Question("feeling", ("最后{friend}的心情怎么样？",), "{glad}"),
    Question("who", ("谁把篮子提回家？",), "{helper}"),
))

RESCUE = Plot("rescue", "tool", "{tool}", (
    (OPENING, daytime("{hero}{in1}散步，听见了小小的叫声。", "{hero}{in1}听见一个奇怪的声音。"),
     ("原来是一只{baby}！它{stuck}，看起来很{sad}。", "那里有一只{baby}，它{stuck}，非常{sad}。")),
    (("{hero}想把它拉出来，可是力气不够。", "“我来帮你！”{hero}说。可是{baby}一动也不动。"),
     ("{he}跑去找{friend}，{friend}正{in2}。", "{he}想起{friend}{in2}，就跑去请{friend}帮忙。"),
     ("{friend}有{a_tool}。“我们带上它吧。”{friend}说。", "“我有{a_tool}，”{friend}说，“快带我去！”")),
    (("他们赶回去，用{tool}把{baby}救了出来。", "他们一起用{tool}帮忙，{baby}很快就得救了。"),
     ("{baby}非常{glad}，亲了亲{hero}的手。", "{baby}围着他们跳来跳去，{glad}极了。"),
     ("{hero}带着{baby}回到妈妈身边，妈妈正{in3}等它。", "妈妈正{in3}等着，{hero}把{baby}送了过去。")),
    (("“谢谢你，{friend}！我一个人可做不到。”{hero}说。", "“两个人的力量比一个人大。”{friend}说。"), FRIENDS),
), COMMON + (
    Question("what", ("哪个动物需要帮助？", "{hero}发现了什么动物？"), "{baby}"),
    Question("where", ("{hero}在哪里听见声音？", "{baby}是在哪里遇险的？"), "{in1}"),
    Question("where", ("{friend}在哪里？", "{hero}在哪里找到{friend}？"), "{in2}"),
    Question("who", ("谁帮助了{hero}？", "谁有{tool}？"), "{friend}"),
    Question("what", ("{friend}有什么？", "他们用什么救出了{baby}？"), "{a_tool}"),
    Question("colour", ("{tool}是什么颜色的？",), "{colour}"),
    Question("where", ("{baby}的妈妈在哪里？", "{baby}的妈妈在哪里等它？"), "{in3}"),
    Question("feeling", ("开始的时候，{baby}的心情怎么样？",), "{sad}"),
    Question("feeling", ("得救以后，{baby}的心情怎么样？",), "{glad}"),
))

HIDING = Plot("hiding", "noun", "{noun}", (
    (OPENING, daytime("{he}和{friend}、{third}、{fourth}一起玩捉迷藏。", "{hero}和三个朋友{friend}、{third}、{fourth}玩捉迷藏。"),
     ("赢的人可以得到{a_noun}。", "奖品是{a_noun}。")),
    (("{hero}闭上眼睛，数到十。", "{hero}站在树旁边，数到十。"),
     ("{friend}躲{in1}，{third}躲{in2}，{fourth}躲{in3}。", "{friend}藏{in1}，{third}藏{in2}，{fourth}藏{in3}。")),
    (("{hero}先找到了{third}。", "{hero}第一个找到的是{third}。"), ("接着，{he}找到了{friend}。", "然后，{he}又找到了{friend}。"),
     ("可是谁也找不到{fourth}！天快黑了，{hero}很{sad}。", "天色晚了，{fourth}还没有出来，{hero}非常{sad}。")),
    (("{a_helper}说：“我知道在哪里！跟我来。”", "这时来了{a_helper}，给他们带路。"),
     ("最后，他们找到了{fourth}，原来{fourth}睡着了。", "他们终于找到了{fourth}，{fourth}睡得正香呢。")),
    (("“你赢了！”{hero}把{noun}给了{fourth}，{fourth}非常{glad}。", "{fourth}赢了，得到了{noun}，心里很{glad}。"), FRIENDS),
), COMMON + (
    Question("where", ("{friend}躲在哪里？", "{friend}藏在哪里？"), "{in1}"),
    Question("where", ("{third}躲在哪里？", "{third}藏在哪里？"), "{in2}"),
    Question("where", ("{fourth}躲在哪里？", "他们在哪里找到{fourth}？"), "{in3}"),
    Question("order", ("谁第一个被找到？",), "{third}"),
    Question("order", ("谁最后一个被找到？",), "{fourth}"),
    Question("holder", ("现在{noun}在谁那里？", "谁得到了{noun}？"), "{fourth}"),
    Question("colour", ("{noun}是什么颜色的？",), "{colour}"),
    Question("who", ("谁给他们带路？", "谁帮助了{hero}？"), "{helper}"),
    Question("feeling", ("天快黑的时候，{hero}的心情怎么样？",), "{sad}"),
    Question("feeling", ("最后{fourth}的心情怎么样？",), "{glad}"),
))

GIFT = Plot("gift", "noun", "{noun}", (
    (OPENING, ("{he}有一个好朋友叫{third}，{third}生病了，很{sad}。", "{he}的朋友{third}生病了，心里很{sad}。"),
     ("{hero}想让{third}好起来，就做了{a_noun}。", "于是，{hero}给{third}做了{a_noun}当礼物。")),
    (daytime("{he}想去送礼物，可是{he}{reason}。", "{hero}想把礼物送给{third}，可是{he}{reason}。"),
     ("{he}{in1}把{noun}交给了{friend}。", "{he}{in1}遇见{friend}，把{noun}交给了{friend}。"),
     ("“请把它带给{third}。”{hero}说。“好的。”{friend}说。", "“你能把它带给{third}吗？”{hero}问。“当然可以。”{friend}说。")),
    (("路上，{friend}{in2}迷了路。", "可是{friend}{in2}找不到路了。"), ("{a_helper}看见{friend}，说：“跟我来！”", "幸好{a_helper}认识路，走在前面。")),
    (("最后，{friend}{in3}的小屋里找到了{third}，把{noun}交给了{third}。", "{third}正躺{in3}的小屋里，{friend}把{noun}给了{third}。"),
     ("{third}非常{glad}，病很快就好了。", "{third}{glad}极了，马上觉得好多了。"), FRIENDS),
), COMMON + (
    Question("who", ("谁生病了？", "{noun}是给谁做的？"), "{third}"),
    Question("who", ("{noun}是谁做的？",), "{hero}"),
    Question("colour", ("{noun}是什么颜色的？",), "{colour}"),
    Question("what", ("{hero}做了什么？", "礼物是什么？"), "{a_noun}"),
    Question("where", ("{hero}在哪里把{noun}交给{friend}？",), "{in1}"),
    Question("where", ("{friend}在哪里迷了路？",), "{in2}"),
    Question("where", ("{third}在哪里得到{noun}？", "现在{noun}在哪里？"), "{in3}"),
    Question("holder", ("现在{noun}在谁那里？", "最后谁有{noun}？"), "{third}"),
    Question("who", ("谁给{friend}带路？",), "{helper}"),
    Question("feeling", ("开始的时候，{third}的心情怎么样？",), "{sad}"),
    Question("feeling", ("最后{third}的心情怎么样？",), "{glad}"),
))

QUARREL = Plot("quarrel", "noun", "{noun}", (
    (OPENING, daytime("{hero}和{friend}{in1}玩。", "{hero}跟{friend}一起{in1}玩。"),
     ("忽然，他们在{spot}发现了{a_noun}。", "他们在{spot}看见了{a_noun}。")),
    (("“这是我的！”{hero}说。“不，是我先看见的！”{friend}说。", "{hero}想要它，{friend}也想要它。"),
     ("他们大声吵了起来，两个人都很{sad}。", "他们吵啊吵，吵得两个人都{sad}了。")),
    (("{a_helper}听见了，问：“这个东西是你们的吗？”", "这时来了{a_helper}，说：“好好想一想，{noun}是谁的？”"),
     ("他们想了想：昨天{third}丢了{noun}！", "他们想起来了，{third}一直在找{noun}。"),
     ("他们{in2}找到{third}，把{noun}还给了{third}。", "{third}正{in2}，他们把{noun}还给了{third}。")),
    (("{third}非常{glad}，送给他们{given}。", "“你们真好！”{third}{glad}地说，还送给他们{given}。"),
     ("{hero}和{friend}互相说了对不起。", "“对不起。”{hero}说。“我也对不起。”{friend}说。"), FRIENDS),
), COMMON + (
    Question("who", ("谁和{hero}一起玩？", "谁和{hero}吵了起来？"), "{friend}"),
    Question("where", ("他们在哪里发现{noun}？", "{hero}和{friend}在哪里玩？"), "{in1}"),
    Question("what", ("他们发现了什么？", "{hero}想要什么？"), "{a_noun}"),
    Question("colour", ("{noun}是什么颜色的？",), "{colour}"),
    Question("who", ("谁丢了{noun}？", "{noun}是谁的？"), "{third}"),
    Question("holder", ("现在{noun}在谁那里？", "最后谁有{noun}？"), "{third}"),
    Question("where", ("{third}在哪里？", "他们在哪里把{noun}还给{third}？"), "{in2}"),
    Question("feeling", ("吵架以后，他们的心情怎么样？",), "{sad}"),
    Question("feeling", ("{third}的心情怎么样？",), "{glad}"),
    Question("count", ("{third}送给他们几个{fruit}？",), "{n_given}"),
    Question("who", ("谁听见他们吵架？", "哪个动物来了？"), "{helper}"),
))

COOKING = Plot("cooking", "dish", "{dish}", (
    (OPENING, daytime("{hero}想做{dish}，给{friend}过生日。", "{friend}要过生日了，{hero}想给{friend}做{dish}。"),
     ("可是厨房里没有{ingredient}，{hero}很{sad}。", "可是{he}一点{ingredient}也没有，心里很{sad}。")),
    (("{he}先{in1}问{third}，可是{third}也没有{ingredient}。", "{he}首先{in1}问{third}。“对不起，我没有。”{third}说。"),
     ("然后，{he}{in2}问{fourth}。", "后来，{he}{in2}遇见了{fourth}。"),
     ("“这个{colour}的袋子里有{ingredient}，给你。”{fourth}说。", "{fourth}笑了，给了{he}一个{colour}的袋子，里面是{ingredient}。")),
    (("{hero}跑回家，做了一整天。", "{he}谢过{fourth}，跑回家开始做饭。"),
     ("晚上，大家{in3}一起吃{dish}。", "太阳下山了，朋友们{in3}一起吃{dish}。"),
     ("{friend}非常{glad}。", "“真好吃！”{friend}{glad}地说。"), FRIENDS),
), COMMON + (
    Question("what", ("{hero}想做什么？", "他们吃了什么？"), "{dish}"),
    Question("what", ("厨房里缺什么？", "{hero}需要什么？"), "{ingredient}"),
    Question("who", ("谁过生日？", "{dish}是给谁做的？"), "{friend}"),
    Question("order", ("{hero}先问了谁？",), "{third}"),
    Question("order", ("{hero}先在哪里问？",), "{in1}"),
    Question("who", ("谁给了{hero}{ingredient}？", "谁有{ingredient}？"), "{fourth}"),
    Question("where", ("{fourth}在哪里？", "{hero}在哪里得到{ingredient}？"), "{in2}"),
    Question("where", ("他们在哪里吃{dish}？",), "{in3}"),
    Question("colour", ("袋子是什么颜色的？",), "{colour}"),
    Question("feeling", ("开始的时候，{hero}的心情怎么样？",), "{sad}"),
    Question("feeling", ("最后{friend}的心情怎么样？",), "{glad}"),
))


FACTS = (
    ("{hero}{in1}。", (Question("where", ("{hero}在哪里？",), "{in1}"), Question("who", ("谁{in1}？",), "{hero}"))),
    ("{hero}有{a_noun}。", (
        Question("what", ("{hero}有什么？",), "{a_noun}"),
        Question("holder", ("谁有{noun}？", "{noun}在谁那里？"), "{hero}"),
        Question("colour", ("{noun}是什么颜色的？",), "{colour}"))),
    ("{hero}是个{trait}的孩子，住在{near1}。", (
        Question("what", ("{hero}是个怎样的孩子？",), "{trait}"),
        Question("where", ("{hero}住在哪里？",), "在{near1}"),
        Question("who", ("谁住在{near1}？",), "{hero}"))),
    ("{hero}有{picked}，给了{friend}{given}。", (
        Question("count", ("{hero}给了{friend}几个{fruit}？",), "{n_given}"),
        Question("arithmetic", ("{hero}还剩几个{fruit}？",), "{n_left}"),
        Question("who", ("{hero}把{fruit}给了谁？",), "{friend}"))),
    ("{hero}原来很{sad}，现在很{glad}。", (
        Question("feeling", ("现在{hero}的心情怎么样？",), "{glad}"),
        Question("feeling", ("开始的时候，{hero}的心情怎么样？",), "{sad}"))),
)

CHINESE = Language(
    name="zh", joiner="", finish="。", question_label="问题：", answer_label="答案：", draw=draw,
    plots=(LOST, SHARING, RESCUE, HIDING, GIFT, QUARREL, COOKING), facts=FACTS,
    requests=(
        "讲个故事。", "请给我讲个故事吧。", "讲一个关于{hero}的故事。", "给我讲一个关于{topic}的故事。",
        "请讲一个{child}的故事，名字叫{hero}。", "讲一个{hero}和{topic}的故事。",
    ),
    greetings=(("你好！", "你好！想听故事吗？"), ("你好", "你好！想听故事吗？"), ("你是谁？", "我是一个会讲故事的小模型。"),
               ("你会做什么？", "我会讲故事，也会回答关于故事的问题。")),
)
