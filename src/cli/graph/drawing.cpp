#include "cli/graph/drawing.h"

#include <algorithm>
#include <map>
#include <sstream>

#include "cli/graph/layers.h"
#include "cli/show/size_text.h"
#include "cli/show/svg.h"

namespace caravan::cli {

namespace {

// Sizes in pixels.
constexpr double kTop = 84.0;
constexpr double kRowHeight = 48.0;
constexpr double kBoxHeight = 32.0;
constexpr double kBoxLeft = 130.0;  ///< what is left of it is for edges that skip boxes
constexpr double kBoxWidth = 250.0;
constexpr double kNotes = kBoxLeft + kBoxWidth + 14.0;
constexpr double kPlanLeft = 860.0;
constexpr double kPlanWidth = 480.0;
constexpr double kPlanHeight = 360.0;
constexpr double kLane = 14.0;  ///< between two skipping edges
constexpr int kLanes = 7;

const char* colour_of(OpKind op) {
  switch (op) {
    case OpKind::kLinear:
    case OpKind::kPackedLinear:
    case OpKind::kGroupedLinear:
      return kColours[0];
    case OpKind::kAttention:
      return kColours[1];
    case OpKind::kRmsNorm:
    case OpKind::kAddRmsNorm:
      return kColours[2];
    case OpKind::kRope:
    case OpKind::kRopeAngles:
    case OpKind::kKvWrite:
    case OpKind::kRopeKvWrite:
      return kColours[3];
    case OpKind::kEmbedding:
    case OpKind::kTakeRows:
    case OpKind::kRouteExperts:
    case OpKind::kGroupRows:
      return kColours[4];
    case OpKind::kSiluMul:
    case OpKind::kAdd:
    case OpKind::kQuantizeRows:
    case OpKind::kCombineExperts:
      return kColours[5];
  }
  return kColours[6];
}

std::string label_of(const Node& node) {
  std::string text(name_of(node.op));
  if (node.attributes.epilogue == Epilogue::kResidual) text += " + residual";
  if (node.attributes.epilogue == Epilogue::kSiluMul) text += " + silu_mul";
  return text;
}

std::string type_of(const Value& value) {
  return std::string(name_of(value.dtype)) + ' ' + to_string(value.shape);
}

void text_at(std::ostringstream& out, double x, double y, const std::string& text,
             const std::string& style = "") {
  out << "<text x=\"" << x << "\" y=\"" << y << "\"" << style << ">" << escaped(text) << "</text>\n";
}

/// The ops from top to bottom.
class Flow {
 public:
  Flow(const Graph& graph, std::ostringstream& out) : graph_(graph), out_(out) {}

  /// Returns the y below the last box.
  double draw() {
    for (const Section& section : sections_of(graph_)) {
      if (section.layer >= 0) heading("layer " + std::to_string(section.layer));
      if (section.layer < 0 && section.begin > 0) heading("after the layers");
      for (size_t n = section.begin; n < section.end; ++n) node(graph_.nodes[n]);
      if (section.alike > 1) {
        const int last = section.layer + section.alike - 1;
        heading("layers " + std::to_string(section.layer + 1) + " to " + std::to_string(last) +
                ": the same again");
        // What follows reads what the last of them makes, where the first one's boxes stand here.
        const size_t further = (section.end - section.begin) * static_cast<size_t>(section.alike - 1);
        for (size_t n = section.begin; n < section.end; ++n)
          stand_for(graph_.nodes[n], graph_.nodes[n + further]);
      }
    }
    return y_;
  }

 private:
  void heading(const std::string& text) {
    out_ << "<line x1=\"" << kBoxLeft - 20 << "\" y1=\"" << y_ - 4 << "\" x2=\"" << kPlanLeft - 40
         << "\" y2=\"" << y_ - 4 << "\" class=\"rule\"/>\n";
    text_at(out_, kNotes + 220, y_ + 12, text, " class=\"heading\"");
    y_ += 22;
  }

  void node(const Node& node) {
    for (const ValueId input : node.inputs) {
      if (graph_.values[static_cast<size_t>(input)].kind == ValueKind::kIntermediate) edge(input);
    }
    out_ << "<rect x=\"" << kBoxLeft << "\" y=\"" << y_ << "\" width=\"" << kBoxWidth << "\" height=\""
         << kBoxHeight << "\" rx=\"5\" fill=\"" << colour_of(node.op) << "\"/>\n";
    text_at(out_, kBoxLeft + 10, y_ + 21, label_of(node), " class=\"op\"");
    std::string reads;
    for (const ValueId input : node.inputs) {
      const Value& value = graph_.values[static_cast<size_t>(input)];
      if (value.kind == ValueKind::kIntermediate || value.kind == ValueKind::kInput) continue;
      reads += (reads.empty() ? "" : ", ") + value.name;
    }
    std::string makes;
    for (const ValueId output : node.outputs) {
      makes += (makes.empty() ? "" : ", ") + type_of(graph_.values[static_cast<size_t>(output)]);
      places_[output] = {y_, index_};
    }
    if (!makes.empty()) text_at(out_, kNotes, y_ + 13, makes);
    if (!reads.empty()) text_at(out_, kNotes, y_ + 28, reads, " class=\"weight\"");
    ++index_;
    y_ += kRowHeight;
  }

  /// Lets the box of `shown` be that of `other` too, which does the same.
  void stand_for(const Node& shown, const Node& other) {
    for (size_t i = 0; i < shown.outputs.size(); ++i)
      places_[other.outputs.at(i)] = places_.at(shown.outputs[i]);
  }

  /// From where `value` is made to the box that is drawn next.
  void edge(ValueId value) {
    const auto made = places_.find(value);
    if (made == places_.end()) return;
    const auto [from, index] = made->second;
    if (index + 1 == index_) {
      const double x = kBoxLeft + kBoxWidth / 2;
      out_ << "<path d=\"M" << x << ' ' << from + kBoxHeight << " V" << y_ - 1
           << "\" class=\"edge\" marker-end=\"url(#tip)\"/>\n";
      return;
    }
    const double x = kBoxLeft - 18.0 - kLane * (lane_++ % kLanes);
    out_ << "<path d=\"M" << kBoxLeft << ' ' << from + kBoxHeight / 2 << " H" << x << " V"
         << y_ + kBoxHeight / 2 << " H" << kBoxLeft - 1 << "\" class=\"edge\" marker-end=\"url(#tip)\"/>\n";
  }

  const Graph& graph_;
  std::ostringstream& out_;
  std::map<ValueId, std::pair<double, int>> places_;  ///< top and number of the box that makes a value
  double y_ = kTop;
  int index_ = 0;
  int lane_ = 0;
};

/// Each intermediate as a box: in x from the op that makes it to the last that reads it, in y its bytes.
void draw_plan(const Graph& graph, const MemoryPlan& plan, const std::vector<uint64_t>& bytes,
               std::ostringstream& out) {
  std::vector<size_t> last(graph.values.size(), 0);
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    for (const ValueId input : graph.nodes[n].inputs) last[static_cast<size_t>(input)] = n;
  }
  last[static_cast<size_t>(graph.output)] = graph.nodes.size() - 1;
  const double per_node = kPlanWidth / static_cast<double>(graph.nodes.size());
  const double per_byte = kPlanHeight / static_cast<double>(std::max<uint64_t>(plan.bytes, 1));
  const double bottom = kTop + kPlanHeight;
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    const Node& node = graph.nodes[n];
    for (const ValueId output : node.outputs) {
      const auto id = static_cast<size_t>(output);
      const double height = static_cast<double>(bytes[id]) * per_byte;
      const double width = static_cast<double>(std::max(last[id], n) - n + 1) * per_node;
      out << "<rect x=\"" << kPlanLeft + static_cast<double>(n) * per_node << "\" y=\""
          << bottom - static_cast<double>(plan.offsets[id]) * per_byte - height << "\" width=\"" << width
          << "\" height=\"" << height << "\" fill=\"" << colour_of(node.op) << "\" class=\"tenant\"><title>"
          << escaped(label_of(node) + " " + type_of(graph.values[id])) << ", " << size_text(bytes[id])
          << "</title></rect>\n";
    }
  }
  out << "<path d=\"M" << kPlanLeft << ' ' << kTop << " V" << bottom << " H" << kPlanLeft + kPlanWidth
      << "\" class=\"edge\"/>\n";
  text_at(out, kPlanLeft, kTop - 12,
          "memory plan: " + size_text(plan.bytes) + " for what takes " + size_text(plan.unshared_bytes) +
              " apart",
          " class=\"heading\"");
  text_at(out, kPlanLeft, bottom + 20, "to the right: the ops, one after the other; upwards: the arena");
}

}  // namespace

std::string graph_svg(const Graph& graph, const MemoryPlan& plan, const std::vector<uint64_t>& value_bytes,
                      const std::string& title) {
  std::ostringstream body;
  text_at(body, 40, 36, title, " class=\"title\"");
  const double below = Flow(graph, body).draw();
  draw_plan(graph, plan, value_bytes, body);
  const double height = std::max(below, kTop + kPlanHeight + 40.0);
  const double width = kPlanLeft + kPlanWidth + 40.0;
  std::ostringstream out;
  out << "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"" << width << "\" height=\"" << height
      << "\" viewBox=\"0 0 " << width << ' ' << height
      << "\" font-family=\"sans-serif\" font-size=\"12\">\n"
         "<style>.op{fill:#fff;font-weight:bold;font-size:13px}.weight{fill:#666}"
         ".heading{font-weight:bold}.title{font-size:18px}.edge{fill:none;stroke:#444}"
         ".rule{stroke:#bbb;stroke-dasharray:4 3}.tenant{stroke:#fff;stroke-width:.5}</style>\n"
         "<defs><marker id=\"tip\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" markerWidth=\"7\" "
         "markerHeight=\"7\" orient=\"auto\"><path d=\"M0 0L8 4L0 8z\" fill=\"#444\"/></marker></defs>\n"
         "<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n"
      << body.str() << "</svg>\n";
  return out.str();
}

}  // namespace caravan::cli
