// Every word that the page shows, in both languages, and the switch between them.
// A key that one language has, the other has (tests/serve_page checks it). {0} and {1} stand for values.

import { keep, kept } from "./kept.js";

const strings = {
  en: {
    otherLanguage: "中文",
    switchLanguage: "切换到中文",
    switchTheme: "Switch between light and dark",
    tools: "Tools",
    newChat: "New conversation",
    panel: "Engine and parameters",
    close: "Close",
    skipToPrompt: "Skip to your message",
    welcomeTitle: "What shall we talk about?",
    welcomeText: "Everything stays on this server. The conversation lives in this tab and is gone when you close it.",
    example1: "Explain continuous batching in three sentences.",
    example2: "Write a C++ function that reverses a string in place.",
    example3: "Once upon a time, a caravan crossed the desert",
    conversation: "Conversation",
    yourMessage: "Your message",
    keys: "Enter sends, Shift+Enter starts a new line, Escape stops.",
    send: "Send",
    stop: "Stop",
    you: "You",
    copy: "Copy",
    copyCode: "Copy code",
    copied: "Copied",
    copyFailed: "Not copied",
    regenerate: "Answer again",
    answering: "Answering…",
    answered: "Answer complete.",
    stopped: "Stopped",
    cutShort: "Ended at the token limit",
    answerStats: "{0} tokens · first after {1} · {2} tokens/s",
    noTemplate: "This model has no chat template: it continues your text.",
    failedStatus: "The server answered {0}: {1}",
    failedNetwork: "The server cannot be reached.",
    failedStream: "The answer broke off before its end.",
    failedNumber: "{0} is not a number that this field takes.",
    parameters: "Parameters",
    systemPrompt: "System prompt",
    systemHint: "Sent before every conversation; may be empty.",
    temperature: "Temperature",
    topP: "Top-p",
    topK: "Top-k",
    maxTokens: "Most tokens",
    seed: "Seed",
    stopStrings: "Stop strings, one a line",
    serverDefault: "default",
    apiKey: "API key",
    keyNeeded: "This server needs an API key",
    keyExplained: "It is kept for this tab only, and is sent to this server only.",
    useKey: "Continue",
    cancel: "Cancel",
    forgetKey: "Forget the key",
    engine: "Engine",
    live: "live",
    unavailable: "no figures",
    running: "Running",
    waiting: "Waiting",
    speed: "Tokens/s",
    prefixHits: "Prefix hits",
    kvCache: "KV cache",
    kvBlocks: "{0} of {1} blocks",
    kvNone: "not paged",
    batchChart: "Sequences",
    seriesRunning: "running",
    seriesWaiting: "waiting",
    speedChart: "Generated tokens/s",
    ttftChart: "Time to first token",
    tpotChart: "Time per output token",
    chartSummary: "{0}: now {1}, at most {2} in the last two minutes",
    memory: "Memory",
    streams: "Open streams",
    uptime: "Up for",
    nothingYet: "nothing yet",
  },
  zh: {
    otherLanguage: "English",
    switchLanguage: "Switch to English",
    switchTheme: "切换浅色与深色",
    tools: "工具",
    newChat: "新对话",
    panel: "引擎与参数",
    close: "关闭",
    skipToPrompt: "跳到输入框",
    welcomeTitle: "想聊点什么？",
    welcomeText: "所有内容都留在这台服务器上。对话只保存在当前标签页，关闭即消失。",
    example1: "用三句话解释什么是连续批处理。",
    example2: "写一个原地反转字符串的 C++ 函数。",
    example3: "从前，有一支驼队穿越沙漠",
    conversation: "对话",
    yourMessage: "输入消息",
    keys: "Enter 发送，Shift+Enter 换行，Escape 停止。",
    send: "发送",
    stop: "停止",
    you: "你",
    copy: "复制",
    copyCode: "复制代码",
    copied: "已复制",
    copyFailed: "复制失败",
    regenerate: "重新生成",
    answering: "正在回答…",
    answered: "回答完毕。",
    stopped: "已停止",
    cutShort: "达到 token 上限而结束",
    answerStats: "{0} 个 token · 首 token {1} · {2} token/秒",
    noTemplate: "此模型没有对话模板：它会续写你的文本。",
    failedStatus: "服务器返回 {0}：{1}",
    failedNetwork: "无法连接服务器。",
    failedStream: "回答中途断开。",
    failedNumber: "{0} 不是此栏可用的数值。",
    parameters: "参数",
    systemPrompt: "系统提示词",
    systemHint: "置于每次对话之前，可留空。",
    temperature: "温度",
    topP: "Top-p",
    topK: "Top-k",
    maxTokens: "最多 token 数",
    seed: "随机种子",
    stopStrings: "停止字符串，每行一个",
    serverDefault: "默认",
    apiKey: "API 密钥",
    keyNeeded: "此服务器需要 API 密钥",
    keyExplained: "密钥只保存在当前标签页，只发送给这台服务器。",
    useKey: "继续",
    cancel: "取消",
    forgetKey: "忘记密钥",
    engine: "引擎",
    live: "实时",
    unavailable: "无数据",
    running: "运行中",
    waiting: "等待中",
    speed: "token/秒",
    prefixHits: "前缀命中",
    kvCache: "KV 缓存",
    kvBlocks: "{0} / {1} 块",
    kvNone: "非分页",
    batchChart: "序列数",
    seriesRunning: "运行",
    seriesWaiting: "等待",
    speedChart: "每秒生成 token 数",
    ttftChart: "首 token 延迟",
    tpotChart: "每 token 延迟",
    chartSummary: "{0}：当前 {1}，最近两分钟最高 {2}",
    memory: "内存",
    streams: "打开的流",
    uptime: "已运行",
    nothingYet: "暂无",
  },
};

const supported = (name) => (Object.hasOwn(strings, name ?? "") ? name : null);
const preferred = () => (navigator.language.toLowerCase().startsWith("zh") ? "zh" : "en");
let language = supported(kept("caravan.language")) ?? preferred();

/** The text of `key` with {0}, {1} … replaced by `values`. */
export function text(key, ...values) {
  return strings[language][key].replace(/\{(\d)\}/g, (_, index) => values[Number(index)]);
}

/** Elements name their texts: data-text, data-label (aria-label), data-title, data-placeholder. */
export function translate(root = document) {
  const each = (name, apply) => {
    for (const element of root.querySelectorAll(`[data-${name}]`)) apply(element, text(element.dataset[name]));
  };
  each("text", (element, value) => { element.textContent = value; });
  each("label", (element, value) => element.setAttribute("aria-label", value));
  each("title", (element, value) => { element.title = value; });
  each("placeholder", (element, value) => { element.placeholder = value; });
  document.documentElement.lang = locale();
}

export const locale = () => (language === "zh" ? "zh-CN" : "en");

export function switchLanguage() {
  language = language === "zh" ? "en" : "zh";
  keep("caravan.language", language);
  translate();
}
