#include "rest/grow/decode.hpp"

namespace rest {

Decode sampling_decode(const Transformer& model, const GenerateOptions& options) {
  return [&model, options](const std::vector<GenerateSource>& sources) { return generate(model, sources, options); };
}

Decode beam_decode(const Transformer& model, const BeamOptions& options) {
  return [&model, options](const std::vector<GenerateSource>& sources) {
    std::vector<std::vector<Candidate>> best;
    for (auto& hypotheses : beam_search(model, sources, options)) {
      Hypothesis& first = hypotheses.front();
      best.push_back({{std::move(first.tokens), first.log_prob, first.log_prob, 1, first.finished, false}});
    }
    return best;
  };
}

}  // namespace rest
