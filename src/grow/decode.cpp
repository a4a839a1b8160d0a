#include "rest/grow/decode.hpp"

namespace rest {

Decode sampling_decode(const SamplingModel& model, const GenerateOptions& options) {
  return {options.sampling.temperature == 0.0 ? "greedy" : "sampled",
          [model, options](const std::vector<GenerateSource>& sources, const std::function<void()>& tick) {
            return generate(model, sources, options, [&](const GenerateCounts&) { tick(); });
          }};
}

Decode beam_decode(const SamplingModel& model, const BeamOptions& options) {
  return {"beam search",
          [model, options](const std::vector<GenerateSource>& sources, const std::function<void()>& tick) {
            std::vector<std::vector<Candidate>> best;
            for (auto& hypotheses : beam_search(model, sources, options, tick)) {
              Hypothesis& first = hypotheses.front();
              best.push_back({{std::move(first.tokens), first.log_prob, first.log_prob, 1, first.finished, false}});
            }
            return best;
          }};
}

}  // namespace rest
