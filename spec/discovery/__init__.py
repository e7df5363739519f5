"""From a class, function or instance to cases that laws can check."""
