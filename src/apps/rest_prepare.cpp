#include "apps/command_line.hpp"
#include "rest/comm/communicator.hpp"
#include "rest/core/signals.hpp"
#include "rest/store/prepare_corpus.hpp"

namespace {

int body(const rest::Communicator& world, int argc, char** argv) {
  const auto command = rest::read_command_line(
      world, argc, argv,
      {"rest_prepare",
       "Trains the tokenizer (or takes data.tokenizer) and encodes the text of section [data] for all other programs.",
       "rest_prepare data/experiments/synthetic.toml --run run/synthetic"});
  if (command) rest::prepare_corpora(world, command->experiment, command->run);
  return rest::exit_success;
}

}  // namespace

int main(int argc, char** argv) { return rest::run_main(argc, argv, body); }
